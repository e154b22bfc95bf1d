/** What the stages know about a git repository somewhere else. */

export type RemoteBranch = 'main' | 'rendered';

export interface RemoteAddress {
  /** `https://…`, `ssh://…`, `git@host:path` or the path of a folder; without credentials. */
  readonly url: string;
  /** With a token; what it is called depends on the server. */
  readonly user: string;
  readonly tokenFile?: string;
  readonly ssh?: { readonly keyFile: string; readonly knownHostsFile: string };
  /** Whom to believe beside the authorities of the system. */
  readonly caFile?: string;
}

export interface PushResult {
  readonly branch: string;
  /** `behind`: the remote has commits that we have not. `protected`: the server does not want it, for a reason of its own. */
  readonly outcome: 'pushed' | 'behind' | 'protected';
  readonly reason?: string;
}

export interface Remote {
  readonly address: RemoteAddress;
  /** Every branch there and its tip. Throws a RemoteFailure, as the others do. */
  tips(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** Into `refs/upstream/<branch>`. */
  fetch(branches: readonly RemoteBranch[], signal: AbortSignal): Promise<void>;
  /** Commits by branch. Never by force. */
  push(
    commits: Readonly<Partial<Record<string, string>>>,
    signal: AbortSignal,
  ): Promise<readonly PushResult[]>;
}
