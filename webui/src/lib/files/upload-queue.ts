import { messageOf, type Failure } from '../api.js';
import { backoffDelay } from '../terminal/backoff.js';
import type { Clash, SendOptions, Sending, Transport } from './transport.js';

/**
 * `queued`: waits for its turn. `pausing`: the connection broke, goes on by itself. `clash`: the name is taken, a person
 * decides. `failed`: stopped, a person may try again.
 */
export type UploadState =
  'queued' | 'sending' | 'pausing' | 'clash' | 'done' | 'failed' | 'skipped' | 'cancelled';

/** A line of the panel. Changed by the queue only. */
export interface Upload {
  readonly id: number;
  /** What was dropped together is decided about together. */
  readonly batch: number;
  readonly path: string;
  readonly size: number;
  readonly state: UploadState;
  readonly sent: number;
  /** Bytes a second, over the last moments; 0 while that is not known. */
  readonly speed: number;
  /** Why it waits or stopped. */
  readonly message: string;
  /** Where it is in the sandbox, once it is there. */
  readonly place: string;
}

export interface Picked {
  readonly path: string;
  readonly file: Blob;
}

export type ClashChoice = 'replace' | 'keep-both' | 'skip';

interface Entry {
  view: Upload;
  readonly session: string;
  readonly upload: string;
  readonly file: Blob;
  clash: Clash;
  abort: AbortController;
  /** Tries in a row that brought nothing further. */
  attempts: number;
  begun: boolean;
  /** What the sandbox said it has: the browser counts what it handed to the network. */
  reached: number;
}

export interface QueueOptions {
  readonly transport: Transport;
  readonly changed: (uploads: readonly Upload[]) => void;
  readonly random?: () => number;
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export const AT_ONCE = 3;
const TRIES = 8;
/** Above this it is asked first whether the name is taken: below, sending is cheaper than asking. */
const ASK_FIRST_BYTES = 1024 * 1024;
const SETTLE_MS = 300;
const LOOKS = 10;
const SPEED_WINDOW_MS = 1_000;
const OVER: readonly UploadState[] = ['done', 'skipped', 'cancelled'];

/** Uploads, a few at a time, in the order in which they were dropped. */
export class UploadQueue {
  readonly #entries: Entry[] = [];
  readonly #choices = new Map<number, ClashChoice>();
  readonly #options: Required<QueueOptions>;
  #count = 0;
  #batches = 0;
  #running = 0;

  constructor(options: QueueOptions) {
    this.#options = { random: Math.random, now: Date.now, wait: waitFor, ...options };
  }

  add(picked: readonly Picked[], session: string): void {
    this.#batches += 1;
    for (const { path, file } of picked) {
      this.#count += 1;
      this.#entries.push({
        view: {
          id: this.#count,
          batch: this.#batches,
          path,
          size: file.size,
          state: 'queued',
          sent: 0,
          speed: 0,
          message: '',
          place: '',
        },
        session,
        upload: this.#draw(),
        file,
        clash: 'refuse',
        abort: new AbortController(),
        attempts: 0,
        begun: false,
        reached: 0,
      });
    }
    this.#tell();
    this.#next();
  }

  cancel(id: number): void {
    const entry = this.#find(id);
    if (entry === undefined || OVER.includes(entry.view.state)) return;
    this.#set(entry, { state: 'cancelled', message: '', speed: 0 });
    entry.abort.abort();
    if (entry.begun) void this.#options.transport.forget(sendingOf(entry));
  }

  retry(id: number): void {
    const entry = this.#find(id);
    if (entry?.view.state !== 'failed') return;
    entry.attempts = 0;
    this.#queue(entry);
  }

  /** What becomes of a file whose name is taken; with `all`, of every other such file that was dropped with it. */
  decide(id: number, choice: ClashChoice, all: boolean): void {
    const chosen = this.#find(id);
    if (chosen === undefined) return;
    const { batch } = chosen.view;
    if (all) this.#choices.set(batch, choice);
    for (const entry of this.#entries) {
      const meant = entry === chosen || (all && entry.view.batch === batch);
      if (meant && entry.view.state === 'clash') this.#settle(entry, choice);
    }
  }

  /** Takes the lines away that are over. */
  clear(): void {
    const left = this.#entries.filter(({ view }) => !OVER.includes(view.state));
    this.#entries.splice(0, Infinity, ...left);
    this.#tell();
  }

  #settle(entry: Entry, choice: ClashChoice): void {
    if (choice === 'skip') {
      this.#set(entry, { state: 'skipped', message: '', speed: 0 });
      if (entry.begun) void this.#options.transport.forget(sendingOf(entry));
      return;
    }
    entry.clash = choice;
    this.#queue(entry);
  }

  #queue(entry: Entry): void {
    entry.abort = new AbortController();
    this.#set(entry, { state: 'queued', message: '' });
    this.#next();
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const entry = this.#entries.find(({ view }) => view.state === 'queued');
      if (entry === undefined) return;
      this.#running += 1;
      this.#set(entry, { state: 'sending', message: '' });
      void this.#run(entry).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #run(entry: Entry): Promise<void> {
    const { signal } = entry.abort;
    while (!over(signal)) {
      const failure = await this.#attempt(entry, signal);
      if (failure === undefined || over(signal)) return;
      if (isClash(failure) && entry.clash !== 'replace') {
        this.#clash(entry);
        return;
      }
      entry.attempts += 1;
      if (!mayPass(failure) || entry.attempts >= TRIES) {
        this.#set(entry, { state: 'failed', message: messageOf(failure), speed: 0 });
        return;
      }
      this.#set(entry, { state: 'pausing', message: reasonOf(failure), speed: 0 });
      await this.#options.wait(backoffDelay(entry.attempts, this.#options.random()), signal);
    }
  }

  /** undefined: nothing more is to do for it now. */
  async #attempt(entry: Entry, signal: AbortSignal): Promise<Failure | undefined> {
    const offset = await this.#offset(entry, signal);
    if (typeof offset !== 'number') return offset;
    if (over(signal)) return undefined;
    this.#set(entry, { state: 'sending', message: '', sent: offset });
    entry.begun = true;
    const result = await this.#options.transport.send(sendingOf(entry), {
      offset,
      signal,
      progress: this.#progress(entry, offset),
    });
    if (over(signal)) return undefined;
    if (!result.ok) return result.failure;
    const { size } = entry.view;
    this.#set(entry, { state: 'done', sent: size, speed: 0, place: result.value.path });
    return undefined;
  }

  /** Where to begin; undefined where a person has to decide first. */
  async #offset(entry: Entry, signal: AbortSignal): Promise<number | Failure | undefined> {
    if (!entry.begun && (entry.view.size < ASK_FIRST_BYTES || entry.clash !== 'refuse')) return 0;
    const state = await this.#state(entry, signal);
    if (over(signal)) return undefined;
    if (!state.ok) return state.failure;
    const { received, exists } = state.value;
    if (exists && entry.clash === 'refuse') {
      this.#clash(entry);
      return undefined;
    }
    // More than there is cannot be a part of it.
    const offset = received <= entry.view.size ? received : 0;
    if (offset > entry.reached) entry.attempts = 0;
    entry.reached = offset;
    return offset;
  }

  /** After a break: what the sandbox still had in hand may come in late, and must not come after what is sent anew. */
  async #state(entry: Entry, signal: AbortSignal): ReturnType<Transport['state']> {
    const { transport, wait } = this.#options;
    let last = await transport.state(sendingOf(entry));
    for (let look = 0; look < LOOKS && entry.attempts > 0 && last.ok; look++) {
      await wait(SETTLE_MS, signal);
      const next = await transport.state(sendingOf(entry));
      if (!next.ok || next.value.received === last.value.received) return next;
      last = next;
    }
    return last;
  }

  #progress(entry: Entry, offset: number): SendOptions['progress'] {
    let since = { at: this.#options.now(), sent: offset };
    return (bytes) => {
      if (entry.view.state !== 'sending') return;
      const sent = Math.min(offset + bytes, entry.view.size);
      const elapsed = this.#options.now() - since.at;
      if (elapsed < SPEED_WINDOW_MS) {
        this.#set(entry, { sent });
        return;
      }
      const speed = ((sent - since.sent) * 1000) / elapsed;
      since = { at: this.#options.now(), sent };
      this.#set(entry, { sent, speed });
    };
  }

  #clash(entry: Entry): void {
    const choice = this.#choices.get(entry.view.batch);
    this.#set(entry, { state: 'clash', message: 'There is a file of this name already.', speed: 0 });
    if (choice !== undefined) this.#settle(entry, choice);
  }

  #find(id: number): Entry | undefined {
    return this.#entries.find(({ view }) => view.id === id);
  }

  #set(entry: Entry, change: Partial<Upload>): void {
    entry.view = { ...entry.view, ...change };
    this.#tell();
  }

  #tell(): void {
    this.#options.changed(this.#entries.map(({ view }) => view));
  }

  #draw(): string {
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
    return Array.from({ length: 20 }, () => letters.charAt(Math.floor(this.#options.random() * 36))).join('');
  }
}

/** As a call: it may have changed since it was last asked. */
const over = (signal: AbortSignal): boolean => signal.aborted;

const sendingOf = ({ view, session, upload, file, clash }: Entry): Sending => ({
  session,
  path: view.path,
  upload,
  file,
  clash,
});

const isClash = (failure: Failure): boolean =>
  failure.kind === 'problem' && failure.problem.code === 'NAME_TAKEN';

const reasonOf = (failure: Failure): string =>
  failure.kind === 'network' ? 'The connection was lost.' : messageOf(failure);

/** What is worth another try without a person: a connection that broke, a sandbox that is not ready. */
const mayPass = (failure: Failure): boolean =>
  failure.kind === 'network' || failure.problem.status >= 500 || failure.problem.code === 'BAD_REQUEST';

function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
