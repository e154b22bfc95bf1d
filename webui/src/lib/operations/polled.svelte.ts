import { untrack } from 'svelte';
import { api, type Failure } from '../api.js';

const POLL_MS = 4_000;

/** Something at an address of the API, asked for again and again while the page is looked at. */
export class Polled<T> {
  /** undefined until it was read once; the last that was read stays while later reads fail. */
  value = $state.raw<T>();
  failure = $state.raw<Failure>();
  readonly #path: string;
  readonly #pauseMs: (value: T | undefined) => number | undefined;

  /** `every`: milliseconds between two looks, or how many after this value; undefined: no further look. */
  constructor(path: string, every: number | ((value: T | undefined) => number | undefined) = POLL_MS) {
    this.#path = path;
    this.#pauseMs = typeof every === 'number' ? () => every : every;
  }

  async refresh(): Promise<void> {
    const result = await api<T>('GET', this.#path);
    if (result.ok) this.value = result.value;
    this.failure = result.ok ? undefined : result.failure;
  }

  /** Returns what ends it. For `onMount` or an effect, which what is read here does not start again. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const next = async (): Promise<void> => {
      if (document.visibilityState === 'visible') await this.refresh();
      const pause = this.#pauseMs(this.value);
      if (!over && pause !== undefined) timer = setTimeout(() => void next(), pause);
    };
    untrack(() => void next());
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }
}
