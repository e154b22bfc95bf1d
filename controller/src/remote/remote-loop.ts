import { setTimeout as delay } from 'node:timers/promises';
import type { RemoteFailureDto } from '../contract/remote.js';
import { RemoteFailure } from '../git/index.js';
import type { Schedule } from './schedule.js';
import type { Sync } from './sync.js';

export interface RemoteLoopDeps {
  readonly sync: Pick<Sync, 'look' | 'push' | 'isAhead'>;
  readonly schedule: Schedule;
  readonly now: () => Date;
  readonly log: {
    info(context: object, message: string): void;
    warn(context: object, message: string): void;
  };
}

/** Timers cannot wait longer. */
const WAIT_MAX_MS = 2 ** 31 - 1;

/** Talks to the remote, one thing after the other, when the schedule says so. */
export class RemoteLoop {
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #wake: (() => void) | undefined;
  #line: Promise<unknown> = Promise.resolve();
  #failure: RemoteFailureDto | undefined;
  #reachedAt: Date | undefined;
  #pushedAt: Date | undefined;

  constructor(private readonly deps: RemoteLoopDeps) {
    this.#ended = this.#run();
  }

  get failure(): RemoteFailureDto | undefined {
    return this.#failure;
  }

  get reachedAt(): Date | undefined {
    return this.#reachedAt;
  }

  get pushedAt(): Date | undefined {
    return this.#pushedAt;
  }

  get nextAttemptAt(): Date {
    return new Date(Math.max(this.deps.schedule.nextDue(), this.deps.now().getTime()));
  }

  /** A commit was made here. */
  commit(): void {
    this.deps.schedule.commit(this.#time());
    this.#wake?.();
  }

  /** The remote said that there is news. */
  news(): void {
    this.deps.schedule.news(this.#time());
    this.#wake?.();
  }

  /** Now, whatever failed before. Answers when it was done, or failed. */
  async now(): Promise<void> {
    this.deps.schedule.insist(this.#time());
    await this.#inLine(() => this.#work('all at once'));
  }

  /** Between two talks with the remote. */
  async between<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#inLine(work);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#ended;
    await this.#line.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { schedule } = this.deps;
    while (!this.#stopping.signal.aborted) {
      const wait = schedule.nextDue() - this.#time();
      if (wait > 0) await this.#pause(wait);
      else await this.#inLine(() => this.#work(schedule.isLookDue(this.#time()) ? 'both' : 'push'));
    }
  }

  #inLine<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#line.then(work);
    this.#line = done.catch(() => undefined);
    return done;
  }

  /** Never rejects. */
  async #work(what: 'all at once' | 'both' | 'push'): Promise<void> {
    const { sync, schedule } = this.deps;
    const { signal } = this.#stopping;
    try {
      if (what !== 'push') {
        await sync.look(signal);
        schedule.looked(this.#time());
      }
      await this.#push(signal, what === 'all at once');
      this.#worked();
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  async #push(signal: AbortSignal, atOnce: boolean): Promise<void> {
    const { sync, schedule, now } = this.deps;
    if (!sync.isAhead()) {
      schedule.nothingToPush();
      return;
    }
    // What is ahead after a look waits for its turn like any other commit.
    schedule.commit(this.#time());
    if (!atOnce && !schedule.isPushDue(this.#time())) return;
    schedule.pushed(this.#time());
    await sync.push(signal);
    this.#pushedAt = now();
  }

  #worked(): void {
    const { log, schedule, now } = this.deps;
    if (this.#failure !== undefined) log.info({}, 'the remote answers again');
    this.#failure = undefined;
    this.#reachedAt = now();
    schedule.worked();
  }

  #failed(error: unknown): void {
    const { log, schedule, now } = this.deps;
    const at = now();
    const { kind, message, retryAt } = asFailure(error);
    if (this.#failure?.message !== message) log.warn({ err: error }, 'the remote cannot be used');
    schedule.failed(at.getTime(), retryAt?.getTime());
    // What was not pushed is tried again with the next look, at the latest.
    schedule.commit(at.getTime());
    this.#failure = {
      kind,
      message,
      since: this.#failure?.since ?? at.toISOString(),
      attempts: schedule.failures,
    };
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const woken = new AbortController();
    const signal = AbortSignal.any([woken.signal, this.#stopping.signal]);
    this.#wake = () => woken.abort();
    await delay(Math.min(ms, WAIT_MAX_MS), undefined, { signal }).catch(() => undefined);
    this.#wake = undefined;
  }

  #time(): number {
    return this.deps.now().getTime();
  }
}

const asFailure = (error: unknown): RemoteFailure =>
  error instanceof RemoteFailure
    ? error
    : new RemoteFailure('failed', error instanceof Error ? error.message : String(error));
