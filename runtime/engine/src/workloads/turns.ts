import { availableParallelism } from 'node:os';

/**
 * So many at the same time, the others in the order they came. Starting is work for the processors: forty sandboxes that
 * start together all take as long as the last of them, and whoever opens the portal meanwhile waits for all of them.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** More than there are processors: a start also waits for the disk, and one that hangs must not hold up all. */
  static forStarts(): Turns {
    return new Turns(Math.max(4, 2 * availableParallelism()));
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
