import { AppError } from '@fullstackagent/controller/contract';

interface Count {
  attempts: number;
  readonly endsAt: number;
}

export interface AttemptLimitOptions {
  readonly attempts: number;
  readonly windowMs: number;
  readonly now?: () => number;
  /** How many keys are remembered; beyond it the oldest are forgotten, so that memory is bounded. */
  readonly keys?: number;
}

/** Counts attempts per key in windows of fixed length. In memory: a restart forgives. */
export class AttemptLimit {
  readonly #counts = new Map<string, Count>();
  readonly #options: Required<AttemptLimitOptions>;

  constructor(options: AttemptLimitOptions) {
    this.#options = { now: Date.now, keys: 10_000, ...options };
  }

  /** Counts one attempt, before it is known how it ends: attempts made at the same time count all. Throws RATE_LIMITED. */
  take(key: string): void {
    const now = this.#options.now();
    const count = this.#current(key, now);
    if (count.attempts >= this.#options.attempts)
      throw new AppError('RATE_LIMITED', `Too many attempts. Try again in ${inWords(count.endsAt - now)}.`);
    count.attempts += 1;
  }

  /** The attempt was a right one: what was counted for this key is forgotten. */
  forgive(key: string): void {
    this.#counts.delete(key);
  }

  /** The attempt was a right one, which says nothing about the others of this key: it alone is not counted. */
  giveBack(key: string): void {
    const count = this.#counts.get(key);
    if (count !== undefined && count.attempts > 0) count.attempts -= 1;
  }

  get size(): number {
    return this.#counts.size;
  }

  #current(key: string, now: number): Count {
    const known = this.#counts.get(key);
    if (known !== undefined && known.endsAt > now) return known;
    const fresh = { attempts: 0, endsAt: now + this.#options.windowMs };
    // Deleted first: a Map keeps its order, and the order is what says which is oldest.
    this.#counts.delete(key);
    this.#counts.set(key, fresh);
    this.#forgetOldest();
    return fresh;
  }

  #forgetOldest(): void {
    for (const key of this.#counts.keys()) {
      if (this.#counts.size <= this.#options.keys) return;
      this.#counts.delete(key);
    }
  }
}

function inWords(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
