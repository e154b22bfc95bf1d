import type { Logger } from 'pino';

export interface KeyedQueueOptions {
  readonly name: string;
  readonly handle: (key: string) => Promise<void>;
  readonly log: Pick<Logger, 'error'>;
}

const RETRY_MS = [200, 500, 1000, 2000, 5000, 10_000];

/**
 * One worker a key: what happens to a key while it is being handled is handled once more afterwards. A failure is
 * tried again, later each time; a new change is tried at once.
 */
export class KeyedQueue {
  readonly #dirty = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(private readonly options: KeyedQueueOptions) {}

  add(key: string): void {
    if (this.#closed) return;
    this.#dirty.add(key);
    this.#cancelTimer(key);
    if (!this.#running.has(key)) this.#start(key);
  }

  addLater(key: string, delayMs: number): void {
    if (this.#closed) return;
    this.#cancelTimer(key);
    this.#timers.set(
      key,
      setTimeout(() => {
        this.add(key);
      }, delayMs),
    );
  }

  /** Resolves when nothing is being handled any more; nothing new is begun. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    this.#dirty.clear();
    await Promise.all(this.#running.values());
  }

  #start(key: string): void {
    const work = this.#work(key).finally(() => {
      this.#running.delete(key);
      if (this.#dirty.has(key) && !this.#closed) this.#start(key);
    });
    this.#running.set(key, work);
  }

  async #work(key: string): Promise<void> {
    // Not in the caller's stack: a store tells its listeners in the middle of a change.
    await Promise.resolve();
    while (this.#dirty.delete(key)) {
      try {
        await this.options.handle(key);
        this.#failures.delete(key);
      } catch (error) {
        this.#retry(key, error);
      }
    }
  }

  #retry(key: string, error: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.options.log.error({ err: error, queue: this.options.name, key, failures }, 'reconcile failed');
    this.addLater(key, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 10_000);
  }

  #cancelTimer(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }
}
