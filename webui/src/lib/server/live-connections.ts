import type { Credential } from './users.js';

/** What a credential is worth at the moment. */
export interface Standing {
  /** When it ends by itself, unless it is used before; undefined for one without an end. */
  readonly until: Date | undefined;
}

export interface LiveConnectionsOptions {
  /** undefined for a credential that ended, was revoked or never was. */
  readonly standing: (credential: Credential) => Promise<Standing | undefined>;
  /** How often a credential is asked about while something is open with it: another process may have revoked it. */
  readonly checkEveryMs: number;
  readonly now?: () => number;
}

export interface LiveConnection {
  /** Aborts when the credential ends, by time or by hand, and when the portal stops. */
  readonly signal: AbortSignal;
  /** Has to be called when the connection is over. */
  readonly done: () => void;
}

/** The open streams and terminals, by the session or token that opened them: they end when it does. */
export class LiveConnections {
  readonly #open = new Map<string, Set<AbortController>>();
  readonly #options: Required<LiveConnectionsOptions>;
  #closed = false;

  constructor(options: LiveConnectionsOptions) {
    this.#options = { now: Date.now, ...options };
  }

  /**
   * Registers first and asks then: a revocation that comes in between is seen by one of the two. undefined where the
   * credential no longer stands. Throws where that cannot be found out.
   */
  async open(credential: Credential): Promise<LiveConnection | undefined> {
    const { abort, remove } = this.#add(credential.key);
    try {
      const standing = await this.#options.standing(credential);
      if (standing === undefined || abort.signal.aborted) {
        remove();
        return undefined;
      }
      const stopWatching = this.#watch(credential, standing, abort);
      abort.signal.addEventListener('abort', stopWatching);
      return {
        signal: abort.signal,
        done: () => {
          stopWatching();
          remove();
        },
      };
    } catch (error) {
      remove();
      throw error;
    }
  }

  /** How many are open with it, those included that are being opened. */
  countOf(credentialKey: string): number {
    return this.#open.get(credentialKey)?.size ?? 0;
  }

  end(credentialKey: string): void {
    for (const abort of this.#open.get(credentialKey) ?? []) abort.abort();
  }

  /** The portal stops: everything open ends, and so does what comes now. */
  close(): void {
    this.#closed = true;
    for (const key of [...this.#open.keys()]) this.end(key);
  }

  get size(): number {
    let size = 0;
    for (const siblings of this.#open.values()) size += siblings.size;
    return size;
  }

  #add(key: string): { readonly abort: AbortController; readonly remove: () => void } {
    const abort = new AbortController();
    const siblings = this.#open.get(key) ?? new Set();
    this.#open.set(key, siblings.add(abort));
    if (this.#closed) abort.abort();
    return {
      abort,
      remove: () => {
        siblings.delete(abort);
        if (siblings.size === 0 && this.#open.get(key) === siblings) this.#open.delete(key);
      },
    };
  }

  /** Asks again at the end that is known, because using a session moves its end, and every now and then before. */
  #watch(credential: Credential, first: Standing, abort: AbortController): () => void {
    let timer: NodeJS.Timeout | undefined;
    const wait = (standing: Standing): void => {
      if (abort.signal.aborted) return;
      timer = setTimeout(() => {
        void this.#stillStanding(credential, standing).then((found) => {
          if (found === undefined) abort.abort();
          else wait(found);
        });
      }, this.#nextCheck(standing));
      timer.unref();
    };
    wait(first);
    return () => {
      clearTimeout(timer);
    };
  }

  #nextCheck({ until }: Standing): number {
    const { checkEveryMs, now } = this.#options;
    return until === undefined ? checkEveryMs : Math.max(0, Math.min(checkEveryMs, until.getTime() - now()));
  }

  /** While the database is away, what was known last counts. */
  async #stillStanding(credential: Credential, last: Standing): Promise<Standing | undefined> {
    const ended = ({ until }: Standing): boolean =>
      until !== undefined && until.getTime() <= this.#options.now();
    const found = await this.#options.standing(credential).catch(() => last);
    return found === undefined || ended(found) ? undefined : found;
  }
}
