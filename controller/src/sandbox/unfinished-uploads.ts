import { AppError } from '../contract/errors.js';
import type { UploadStateQuery } from '../contract/files.js';
import type { ProjectKey } from '../model/intent.js';

export interface NamedUpload {
  readonly key: ProjectKey;
  readonly query: UploadStateQuery;
}

interface Options {
  /** How long what came of an upload is kept after the last word about it. */
  readonly keptMs: number;
  readonly remove: (upload: NamedUpload) => Promise<void>;
  /** How many are watched over at most. */
  readonly watched?: number;
}

interface Entry {
  readonly upload: NamedUpload;
  readonly running: Map<AbortController, Promise<unknown>>;
  done: boolean;
  /** Removals that failed in a row: the sandbox may be stopped. */
  failures: number;
  timer?: NodeJS.Timeout;
  removing?: Promise<void>;
}

/** Clients draw the names at random: one that comes again is a request that was overtaken. */
const REMEMBERED = 1000;
const TRIES = 24;
/** Nobody has so many under way: beyond it the oldest that rests is not watched over any more. */
const WATCHED = 10_000;

/**
 * The uploads that were begun and are not whole. A browser says goodbye when its page is left, but as a favour: where the
 * machine is busy, crashes or loses its network nothing comes, so half a file that nobody asks about any more is removed
 * after a while without a word. Kept in memory: one whose time had not come when this process ended stays.
 */
export class UnfinishedUploads {
  readonly #entries = new Map<string, Entry>();
  readonly #givenUp = new Set<string>();

  constructor(private readonly options: Options) {}

  /** Runs what takes bytes of the upload; the signal aborts when it is given up. Throws ACTION_NOT_ALLOWED after that. */
  async take<T>(upload: NamedUpload, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const name = nameOf(upload);
    if (this.#givenUp.has(name))
      throw new AppError(
        'ACTION_NOT_ALLOWED',
        'This upload was given up. Begin anew, with another name for it.',
      );
    const entry = this.#entries.get(name) ?? newEntry(upload);
    this.#entries.set(name, entry);
    clearTimeout(entry.timer);
    const abort = new AbortController();
    const running = (entry.removing ?? Promise.resolve()).then(() => work(abort.signal));
    entry.running.set(abort, running);
    try {
      const result = await running;
      entry.done = true;
      return result;
    } finally {
      entry.running.delete(abort);
      this.#rest(name, entry);
    }
  }

  /** Runs what asks about the upload: whoever asks may go on with it. */
  async ask<T>(upload: NamedUpload, work: () => Promise<T>): Promise<T> {
    const name = nameOf(upload);
    const entry = this.#entries.get(name);
    if (entry === undefined) return work();
    clearTimeout(entry.timer);
    await entry.removing;
    try {
      return await work();
    } finally {
      if (this.#entries.get(name) === entry) this.#rest(name, entry);
    }
  }

  /** Ends what is under way, then removes what came of it: in the other order the rest could make it anew. */
  async giveUp(upload: NamedUpload): Promise<void> {
    const name = nameOf(upload);
    this.#remember(name);
    const entry = this.#entries.get(name);
    for (const abort of entry?.running.keys() ?? []) abort.abort();
    await Promise.allSettled([...(entry?.running.values() ?? []), entry?.removing]);
    await this.options.remove(upload);
    clearTimeout(entry?.timer);
    this.#entries.delete(name);
  }

  #remember(name: string): void {
    this.#givenUp.add(name);
    const [oldest] = this.#givenUp;
    if (this.#givenUp.size > REMEMBERED && oldest !== undefined) this.#givenUp.delete(oldest);
  }

  #rest(name: string, entry: Entry): void {
    clearTimeout(entry.timer);
    if (entry.running.size > 0) return;
    if (entry.done) this.#entries.delete(name);
    // Nothing waits for it: this process may end before.
    else {
      entry.timer = setTimeout(() => void this.#expire(name, entry), this.options.keptMs).unref();
      this.#boundWatched();
    }
  }

  #boundWatched(): void {
    if (this.#entries.size <= (this.options.watched ?? WATCHED)) return;
    for (const [name, { running, removing, timer }] of this.#entries) {
      if (running.size > 0 || removing !== undefined) continue;
      clearTimeout(timer);
      this.#entries.delete(name);
      return;
    }
  }

  async #expire(name: string, entry: Entry): Promise<void> {
    const removal = this.options.remove(entry.upload);
    entry.removing = removal.catch(() => undefined);
    const removed = await removal.then(
      () => true,
      () => false,
    );
    delete entry.removing;
    // Somebody came back to it meanwhile.
    if (entry.running.size > 0) return;
    entry.failures += removed ? 0 : 1;
    if (removed || entry.failures === TRIES) this.#entries.delete(name);
    else this.#rest(name, entry);
  }
}

const newEntry = (upload: NamedUpload): Entry => ({ upload, running: new Map(), done: false, failures: 0 });

/** As the sandbox tells its parts apart. */
const nameOf = ({ key, query: { path, upload } }: NamedUpload): string =>
  JSON.stringify([key.namespace, key.name, path, upload]);
