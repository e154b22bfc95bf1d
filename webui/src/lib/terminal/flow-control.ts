/** Bytes given to the terminal that it has not drawn yet: above the first the sandbox is paused, below the second it goes on. */
export const WATERMARKS = { high: 256 * 1024, low: 64 * 1024 } as const;

export interface FlowSignals {
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * Keeps a flood (`yes`) from freezing the page: what is in flight stays small, so Ctrl-C takes effect after at most
 * that much output.
 */
export class FlowControl {
  #waiting = 0;
  #paused = false;
  readonly #signals: FlowSignals;

  constructor(signals: FlowSignals) {
    this.#signals = signals;
  }

  received(bytes: number): void {
    this.#waiting += bytes;
    if (this.#paused || this.#waiting <= WATERMARKS.high) return;
    this.#paused = true;
    this.#signals.pause();
  }

  drawn(bytes: number): void {
    this.#waiting = Math.max(0, this.#waiting - bytes);
    if (!this.#paused || this.#waiting >= WATERMARKS.low) return;
    this.#paused = false;
    this.#signals.resume();
  }

  /** A new connection starts unpaused; what the old one sent is still being drawn and counts. */
  reconnected(): void {
    this.#paused = false;
  }
}
