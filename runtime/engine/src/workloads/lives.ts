import type { Ended } from './pod-status.js';

export interface LivesOptions {
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
}

/**
 * The kubelet begins with 10 seconds and ends at 5 minutes, for thousands of containers. On one machine a person waits
 * for this one, and a database that they forgot to start should not cost five minutes.
 */
const USUAL: LivesOptions = {
  firstPauseMs: 1000,
  longestPauseMs: 60_000,
  now: () => performance.now(),
};

/** What a pod's container has been through: how often it was started again, how it ended last, when it may start. */
export class Lives {
  readonly #options: LivesOptions;
  #restarts = 0;
  #ended: Ended | undefined;
  #pauseMs: number;
  // By the monotonic clock: a laptop that slept, or a clock that was set, makes no life longer.
  #begunAt = 0;
  #notBefore = 0;
  #startedAt = new Date();

  constructor(options: Partial<LivesOptions> = {}) {
    this.#options = { ...USUAL, ...options };
    this.#pauseMs = this.#options.firstPauseMs;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** What a status says of them. */
  get told(): { readonly restarts: number; readonly ended?: Ended } {
    return { restarts: this.#restarts, ...(this.#ended === undefined ? {} : { ended: this.#ended }) };
  }

  /** How long it has to wait until it may be started. */
  get waitMs(): number {
    return Math.max(0, this.#notBefore - this.#options.now());
  }

  begin(): void {
    if (this.#ended !== undefined) this.#restarts += 1;
    this.#begunAt = this.#options.now();
    this.#startedAt = new Date();
  }

  /** Answers how long it waits now: twice as long each time, and as at first when it lived for long. */
  end({ exitCode, output }: Pick<Ended, 'exitCode' | 'output'>): number {
    const { firstPauseMs, longestPauseMs } = this.#options;
    const now = this.#options.now();
    this.#ended = { exitCode, output, startedAt: this.#startedAt, at: new Date() };
    // The kubelet's rule: who lived twice as long as the longest pause did not end for the reason it ended for before.
    if (now - this.#begunAt >= 2 * longestPauseMs) this.#pauseMs = firstPauseMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    this.#notBefore = now + pauseMs;
    return pauseMs;
  }
}
