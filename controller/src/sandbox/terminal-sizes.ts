import type { Size } from './terminal-frames.js';

type Listener = (size: Size) => void;

/** Sessions that are remembered; beyond it the oldest are forgotten, so that memory is bounded. */
const MOST = 10_000;

/** How large the terminals are that people have open: their guests are shown the same. */
export class TerminalSizes {
  readonly #sizes = new Map<string, Size>();
  readonly #listeners = new Map<string, Set<Listener>>();

  get(terminal: string): Size | undefined {
    return this.#sizes.get(terminal);
  }

  set(terminal: string, size: Size): void {
    // Deleted first: a Map keeps its order, and the order is what says which is oldest.
    this.#sizes.delete(terminal);
    this.#sizes.set(terminal, size);
    for (const oldest of this.#sizes.keys()) {
      if (this.#sizes.size <= MOST) break;
      this.#sizes.delete(oldest);
    }
    for (const listener of this.#listeners.get(terminal) ?? []) listener(size);
  }

  /** Answers what ends it. */
  follow(terminal: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(terminal) ?? new Set();
    this.#listeners.set(terminal, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(terminal);
    };
  }
}
