import { KubeError, type KubeApi, type WatchEvent } from '../shared/kube-api.js';
import { at, count, list, record, text, type Json } from '../shared/json.js';
import type { WatchedResource } from './resources.js';

export interface ReflectorEvents {
  readonly onList: (objects: readonly Json[]) => void;
  readonly onPut: (object: Json) => void;
  readonly onRemove: (object: Json) => void;
  /** In touch with the server (true), or not (false, with why). Called on a change only. */
  readonly onContact: (inTouch: boolean, error?: unknown) => void;
}

export interface Timing {
  /** Resolves after `ms`, or at once when the signal aborts; never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly now: () => Date;
}

const PAGE = '500';
/** A watch is asked to end by itself after this, and is cut off a little later: a half-open connection ends too. */
const WATCH_SECONDS = 290;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 5_000;
/** A busy server is given the time it asks for, and not more than that. */
const RETRY_AFTER_MAX_MS = 60_000;
/** A watch that held this long was a good one: the next failure is a first one. */
const STEADY_MS = 5_000;
/** Of what need not be there: a server or a role that does without it. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 405]);
/** How soon a kind the server does not know (its CRD is not installed) is looked for again. */
const ABSENT_RETRY_MS = 30_000;

/**
 * Keeps up with one kind of object: a list, then a watch from the list's version, resumed where it broke off; a list
 * again only where the server no longer knows the version (410). Every pause has jitter, so that a fleet that lost its
 * server does not come back as one.
 */
export class Reflector {
  readonly #abort = new AbortController();
  #pause = new AbortController();
  #watching = new AbortController();
  #version = '';
  /** Which of the resource's paths this server knows, as far as it is known. */
  #path: string;
  #failures = 0;
  /** The watch under way, or the last one, was answered. */
  #opened = false;
  #inTouch: boolean | undefined;

  constructor(
    private readonly api: KubeApi,
    private readonly resource: WatchedResource,
    private readonly options: ReflectorEvents & Timing,
  ) {
    this.#path = resource.path;
  }

  /** Runs until {@link stop}; never rejects. */
  async run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const pause = await this.#round();
      if (pause > 0) await this.#rest(pause * (0.5 + this.options.random() / 2));
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  /** The server answers again: no reason to wait out a pause that was meant for one that does not. */
  wake(): void {
    this.#pause.abort();
  }

  /** What was seen so far says nothing about what is there now: lists again, at once. */
  relist(): void {
    this.#version = '';
    this.#watching.abort();
    this.wake();
  }

  async #rest(ms: number): Promise<void> {
    this.#pause = new AbortController();
    await this.options.sleep(ms, AbortSignal.any([this.#abort.signal, this.#pause.signal]));
  }

  /** One list (if needed) and one watch. Answers how long to pause before the next. */
  async #round(): Promise<number> {
    this.#watching = new AbortController();
    try {
      if (this.#version === '') await this.#list();
      const events = await this.#watch();
      // A server that ends watches at once would be asked in a loop.
      return events > 0 ? 0 : BACKOFF_FIRST_MS;
    } catch (error) {
      if (this.#abort.signal.aborted || this.#watching.signal.aborted) return 0;
      return this.#failed(error);
    }
  }

  #failed(error: unknown): number {
    const status = error instanceof KubeError ? error.status : undefined;
    const absent = this.#version === '' ? this.#withoutIt(status) : undefined;
    if (absent !== undefined) return absent;
    // A server that could not be reached may be another one when it is back: the local engine counts from the start.
    const unreachable = status === undefined && !this.#opened;
    if (status === 410 || status === 404 || unreachable) this.#version = '';
    this.#failures += 1;
    // A watch that breaks once is taken up again at once: that is everyday life, not an outage.
    if (status !== 410 && this.#failures > 1) this.#touch(false, error);
    return this.#pauseAfter(error);
  }

  #pauseAfter(error: unknown): number {
    const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10));
    const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    // Twice, since jitter takes up to a half of every pause away: nobody comes back too early.
    return Math.max(backoff, 2 * Math.min(RETRY_AFTER_MAX_MS, asked));
  }

  /** It cannot be listed: how long until it is looked for again, where it may be done without. */
  #withoutIt(status: number | undefined): number | undefined {
    if (status === 404 && this.#hasOlder()) return 0;
    if (!this.#isAbsent(status)) return undefined;
    this.options.onList([]);
    this.#touch(true);
    return ABSENT_RETRY_MS;
  }

  /** Takes the other path, if it was not that one that was just refused: from there it begins with the first again. */
  #hasOlder(): boolean {
    const { path, olderPath } = this.resource;
    const isFirst = this.#path === path;
    this.#path = isFirst ? (olderPath ?? path) : path;
    return isFirst && olderPath !== undefined;
  }

  #isAbsent(status: number | undefined): boolean {
    return status === 404 || (this.resource.optional === true && REFUSALS.has(status ?? 0));
  }

  async #list(): Promise<void> {
    const objects: Json[] = [];
    let page: unknown;
    do {
      const next = text(page, 'metadata', 'continue') ?? '';
      page = await this.api.get(this.#path, {
        ...this.resource.query,
        limit: PAGE,
        ...(next === '' ? {} : { continue: next }),
      });
      objects.push(...list(page, 'items').map(record));
    } while ((text(page, 'metadata', 'continue') ?? '') !== '');
    this.options.onList(objects);
    this.#version = text(page, 'metadata', 'resourceVersion') ?? '';
    this.#touch(true);
  }

  async #watch(): Promise<number> {
    let events = 0;
    let openedAt: Date | undefined;
    this.#opened = false;
    const cutOff = AbortSignal.timeout((WATCH_SECONDS + 15) * 1000);
    try {
      await this.api.watch({
        path: this.#path,
        query: {
          ...this.resource.query,
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(WATCH_SECONDS),
          ...(this.#version === '' ? {} : { resourceVersion: this.#version }),
        },
        signal: AbortSignal.any([this.#abort.signal, this.#watching.signal, cutOff]),
        onOpen: () => {
          openedAt = this.options.now();
          this.#opened = true;
          this.#touch(true);
        },
        onEvent: (event) => {
          events += 1;
          this.#apply(event);
        },
      });
    } catch (error) {
      if (!cutOff.aborted) throw error;
    } finally {
      if (openedAt !== undefined && this.options.now().getTime() - openedAt.getTime() >= STEADY_MS)
        this.#failures = 0;
    }
    return events;
  }

  #apply({ type, object }: WatchEvent): void {
    if (type === 'ERROR') {
      const message = text(object, 'message') ?? 'The watch reported an error.';
      throw new KubeError(message, count(object, 'code'));
    }
    this.#failures = 0;
    if (type === 'ADDED' || type === 'MODIFIED') this.options.onPut(record(object));
    if (type === 'DELETED') this.options.onRemove(record(object));
    const version = at(object, 'metadata', 'resourceVersion');
    if (typeof version === 'string') this.#version = version;
  }

  #touch(inTouch: boolean, error?: unknown): void {
    if (this.#inTouch === inTouch) return;
    this.#inTouch = inTouch;
    this.options.onContact(inTouch, error);
  }
}
