/**
 * Which project an address belongs to. Only a hand can write one address into two documents: the first one keeps it,
 * and the other gets it when the first gives it up.
 */
export class HostOwners {
  readonly #hostsOf = new Map<string, readonly string[]>();
  /** The owner first, then who waits. */
  readonly #claims = new Map<string, string[]>();

  /** The document at `path` says these are its hosts. Answers whom others that it had belong to from now on. */
  claim(path: string, hosts: readonly string[]): readonly string[] {
    const before = this.#hostsOf.get(path) ?? [];
    const heirs = before.filter((host) => !hosts.includes(host)).flatMap((host) => this.#giveUp(path, host));
    for (const host of hosts)
      if (!before.includes(host)) this.#claims.set(host, [...(this.#claims.get(host) ?? []), path]);
    this.#hostsOf.set(path, hosts);
    return heirs;
  }

  /** The document is gone. Answers who gets its addresses, where somebody waited for them. */
  release(path: string): readonly string[] {
    const heirs = this.claim(path, []);
    this.#hostsOf.delete(path);
    return heirs;
  }

  /** The other project that an address of this one belongs to. */
  rivalOf(path: string): string | undefined {
    const owners = (this.#hostsOf.get(path) ?? []).map((host) => this.#claims.get(host)?.[0]);
    return owners.find((owner) => owner !== undefined && owner !== path);
  }

  #giveUp(path: string, host: string): readonly string[] {
    const [owner, ...waiting] = this.#claims.get(host) ?? [];
    // By path and not by who came first: after a restart nobody knows that any more.
    const left = owner === path ? waiting.sort() : [owner, ...waiting].filter((one) => one !== path);
    const claims = left.filter((one) => one !== undefined);
    if (claims.length === 0) this.#claims.delete(host);
    else this.#claims.set(host, claims);
    return owner === path ? claims.slice(0, 1) : [];
  }
}
