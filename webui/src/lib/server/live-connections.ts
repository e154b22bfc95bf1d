/** The open streams and terminals, by the session or token that opened them: they end when it does. */
export class LiveConnections {
  readonly #open = new Map<string, Set<AbortController>>();
  #closed = false;

  /** `signal` aborts when the session ends or the portal stops. `done` has to be called when the connection is over. */
  add(credentialKey: string): { readonly signal: AbortSignal; readonly done: () => void } {
    const abort = new AbortController();
    const siblings = this.#open.get(credentialKey) ?? new Set();
    this.#open.set(credentialKey, siblings.add(abort));
    if (this.#closed) abort.abort();
    return {
      signal: abort.signal,
      done: () => {
        siblings.delete(abort);
        if (siblings.size === 0 && this.#open.get(credentialKey) === siblings)
          this.#open.delete(credentialKey);
      },
    };
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
}
