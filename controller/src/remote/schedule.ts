/** When a remote is talked to: as seldom as it wants, as soon as it makes sense. Times in milliseconds. Pure. */

export interface ScheduleOptions {
  /** How long a commit waits for others to go with it. */
  readonly gatherMs: number;
  /** How often somebody else's commits are looked for. */
  readonly lookEveryMs: number;
  readonly pushesPerMinute: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

const MINUTE_MS = 60_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 5 * MINUTE_MS;
/** Installations that were started together do not ask together. */
const JITTER = 0.2;

export class Schedule {
  #failures = 0;
  /** After a failure nothing happens before; a person's word ends that. */
  #notBefore = 0;
  #nextLook = 0;
  #pushWanted: number | undefined;
  #pushes: number[] = [];

  constructor(private readonly options: ScheduleOptions) {}

  get failures(): number {
    return this.#failures;
  }

  commit(now: number): void {
    this.#pushWanted ??= now + this.options.gatherMs;
  }

  /** Somebody said that there is news. */
  news(now: number): void {
    this.#nextLook = Math.min(this.#nextLook, now);
  }

  insist(now: number): void {
    this.#notBefore = 0;
    this.news(now);
  }

  looked(now: number): void {
    this.#nextLook = now + this.options.lookEveryMs * this.#jitter();
  }

  pushed(now: number): void {
    this.#pushes = [...this.#pushes.filter((at) => at > now - MINUTE_MS), now];
    this.#pushWanted = undefined;
  }

  nothingToPush(): void {
    this.#pushWanted = undefined;
  }

  worked(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }

  /** `until`: the remote said itself how long it wants to be left alone. */
  failed(now: number, until: number | undefined): void {
    const backOff = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MAX_MS) * this.#jitter();
    this.#failures += 1;
    this.#notBefore = Math.max(now + backOff, until ?? 0);
  }

  isLookDue(now: number): boolean {
    return now >= this.lookDue();
  }

  isPushDue(now: number): boolean {
    return now >= this.pushDue();
  }

  nextDue(): number {
    return Math.min(this.lookDue(), this.pushDue());
  }

  lookDue(): number {
    return Math.max(this.#nextLook, this.#notBefore);
  }

  /** Never, where nothing waits. */
  pushDue(): number {
    if (this.#pushWanted === undefined) return Infinity;
    return Math.max(this.#pushWanted, this.#budgetFreeAt(), this.#notBefore);
  }

  /** The oldest of the last so many pushes has to be a minute ago. */
  #budgetFreeAt(): number {
    const oldest = this.#pushes.at(-this.options.pushesPerMinute);
    return oldest === undefined ? 0 : oldest + MINUTE_MS;
  }

  #jitter(): number {
    return 1 - JITTER + 2 * JITTER * this.options.random();
  }
}
