/** What came of an id: `first` it was seen, seen `again`, or there is no room to remember it. */
export type Taken = 'first' | 'again' | 'full';

export interface UsedIdsOptions {
  /** How long an id is remembered at least; at most twice as long. */
  readonly windowMs: number;
  /** How many are remembered of one window. */
  readonly most: number;
  /** Milliseconds by a clock that nobody sets. */
  readonly elapsed: () => number;
}

/**
 * Ids that are good for one use. They are kept in two generations, and the older one is dropped whole: nothing is sorted,
 * and memory is bounded by twice `most`. None is forgotten early to make room, as it could then be used again.
 */
export class UsedIds {
  #current = new Set<string>();
  #previous = new Set<string>();
  #since: number;

  constructor(private readonly options: UsedIdsOptions) {
    this.#since = options.elapsed();
  }

  take(id: string): Taken {
    this.#forget();
    if (this.#current.has(id) || this.#previous.has(id)) return 'again';
    if (this.#current.size >= this.options.most) return 'full';
    this.#current.add(id);
    return 'first';
  }

  #forget(): void {
    const now = this.options.elapsed();
    const windows = Math.floor((now - this.#since) / this.options.windowMs);
    if (windows === 0) return;
    this.#previous = windows === 1 ? this.#current : new Set();
    this.#current = new Set();
    this.#since = now;
  }
}
