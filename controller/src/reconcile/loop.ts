import type { Outcome } from './outcome.js';
import type { ReconcilerLog } from './reconciler.js';

export interface LoopDeps {
  readonly step: () => Promise<Outcome>;
  /** Resolves after the time, or earlier when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: ReconcilerLog;
}

const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 30_000;

/** What the loop does after a step: go on at once, after a time, or when it is woken. */
type Next =
  | { readonly kind: 'now' }
  | { readonly kind: 'later'; readonly ms: number }
  | { readonly kind: 'later or when woken'; readonly ms: number }
  | { readonly kind: 'when woken' };

/** Runs the steps one after the other. Woken while it runs, it runs once more. */
export class Loop {
  #woken = false;
  #wake: (() => void) | undefined;
  readonly #stopping = new AbortController();
  #failures = 0;
  #stalled: string | undefined;
  #idle: (() => void)[] = [];
  #resting = false;
  readonly #ended: Promise<void>;

  constructor(private readonly deps: LoopDeps) {
    this.#ended = this.#run();
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Answers when the loop has nothing to do until it is woken. */
  idle(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#ended;
    if (this.#resting && !this.#woken) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Lets the step that is under way come to its end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#woken = false;
      const next = this.#after(await this.deps.step());
      if (next.kind === 'later') await this.#wait(next.ms);
      else if (next.kind === 'later or when woken') await this.#pause(next.ms);
      else if (next.kind === 'when woken' && !this.#isWoken()) await this.#rest();
    }
    this.#tellIdle();
  }

  /** Set from outside while a step runs, which the compiler cannot know. */
  #isWoken(): boolean {
    return this.#woken;
  }

  #after(outcome: Outcome): Next {
    if (outcome.kind !== 'failed') this.#failures = 0;
    if (outcome.kind !== 'stalled') this.#stalled = undefined;
    switch (outcome.kind) {
      case 'done':
        return { kind: 'when woken' };
      case 'requeue':
        return { kind: 'now' };
      case 'waiting':
        return { kind: 'later or when woken', ms: outcome.forMs };
      case 'stalled':
        this.#sayStalled(outcome.message);
        return { kind: 'when woken' };
      case 'failed':
        return { kind: 'later', ms: this.#backOff(outcome.error) };
    }
  }

  #sayStalled(message: string): void {
    if (this.#stalled !== message) this.deps.log.error({}, message);
    this.#stalled = message;
  }

  #backOff(error: unknown): number {
    const ms = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    this.#failures += 1;
    this.deps.log.error({ err: error, retryInMs: ms }, 'Rendering failed; it is tried again.');
    return ms;
  }

  async #rest(): Promise<void> {
    this.#resting = true;
    this.#tellIdle();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#stopping.signal.aborted) resolve();
    });
    this.#wake = undefined;
    this.#resting = false;
  }

  /** Something new is handled at once; what was waited for is looked at again in its time. */
  async #pause(ms: number): Promise<void> {
    if (this.#isWoken() || this.#stopping.signal.aborted) return;
    const woken = new AbortController();
    const signal = AbortSignal.any([woken.signal, this.#stopping.signal]);
    this.#wake = () => woken.abort();
    await this.deps.sleep(ms, signal).catch(() => undefined);
    this.#wake = undefined;
  }

  /** A failure waits its time whatever happens meanwhile: being woken is no reason to try faster. */
  async #wait(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.deps.sleep(ms, this.#stopping.signal).catch(() => undefined);
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
