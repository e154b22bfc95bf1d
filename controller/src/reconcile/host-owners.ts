/**
 * Which project an address belongs to. Only a hand can write one address into two documents: the first one keeps it,
 * and the other gets it when the first gives it up.
 */
export class HostOwners {
  readonly #hostOf = new Map<string, string>();
  /** The owner first, then who waits. */
  readonly #claims = new Map<string, string[]>();

  /** The document at `path` says this is its host. Answers whom another host that it had belongs to from now on. */
  claim(path: string, host: string): string | undefined {
    if (this.#hostOf.get(path) === host) return undefined;
    const heir = this.release(path);
    this.#hostOf.set(path, host);
    this.#claims.set(host, [...(this.#claims.get(host) ?? []), path]);
    return heir;
  }

  /** The document is gone. Answers who gets its address, where somebody waited for it. */
  release(path: string): string | undefined {
    const host = this.#hostOf.get(path);
    if (host === undefined) return undefined;
    this.#hostOf.delete(path);
    const [owner, ...waiting] = this.#claims.get(host) ?? [];
    // By path and not by who came first: after a restart nobody knows that any more.
    const left = owner === path ? waiting.sort() : [owner, ...waiting].filter((one) => one !== path);
    if (left.length === 0) this.#claims.delete(host);
    else
      this.#claims.set(
        host,
        left.filter((one) => one !== undefined),
      );
    return owner === path ? left[0] : undefined;
  }

  /** The other project that the address of this one belongs to. */
  rivalOf(path: string): string | undefined {
    const [owner] = this.#claims.get(this.#hostOf.get(path) ?? '') ?? [];
    return owner === path ? undefined : owner;
  }
}
