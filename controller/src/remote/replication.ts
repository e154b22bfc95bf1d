import { AppError } from '../contract/errors.js';
import type { Repository } from '../model/repository.js';

interface Waiter {
  readonly commit: string;
  readonly resolve: () => void;
}

const LATE =
  'The change is written here, and the remote does not have it yet. It is sent as soon as the remote takes it: do not do it again.';

/** Who waits until a commit of `main` is somewhere else too. */
export class Replication {
  #waiting: readonly Waiter[] = [];
  #there: string | undefined;

  constructor(
    private readonly repository: Pick<Repository, 'isAncestor'>,
    private readonly patienceMs: number,
  ) {}

  /** Throws NOT_REPLICATED where it takes too long; the commit is durable here all the same. */
  replicated(commit: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        commit,
        resolve: () => {
          settle();
          resolve();
        },
      };
      const timer = setTimeout(() => {
        settle();
        reject(new AppError('NOT_REPLICATED', LATE));
      }, this.patienceMs);
      this.#waiting = [...this.#waiting, waiter];
      this.#settleThose([waiter]).catch(reject);
    });
  }

  /** `main` there is at `commit`. */
  async arrived(commit: string): Promise<void> {
    this.#there = commit;
    await this.#settleThose(this.#waiting);
  }

  async #settleThose(waiters: readonly Waiter[]): Promise<void> {
    for (const waiter of waiters) if (await this.#isThere(waiter.commit)) waiter.resolve();
  }

  async #isThere(commit: string): Promise<boolean> {
    const there = this.#there;
    if (there === undefined) return false;
    return commit === there || (await this.repository.isAncestor(commit, there));
  }
}
