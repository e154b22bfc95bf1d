import type { Edit } from './intent.js';

/** What the stages know about the git repository. Types only: `git/` implements them, the composition root hands it round. */

/** Who, for a commit's author or committer line. Characters that git's format gives a meaning are taken out on writing. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly at: Date;
}

/** One commit to be: what it changes and what it says. */
export interface CommitDraft {
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  readonly edits: readonly Edit[];
  /** Commit even where the edits change nothing: the message is what matters. */
  readonly evenIfUnchanged?: boolean;
  /** A line of history that this commit joins: its second parent. Its objects are in the repository and durable. */
  readonly joins?: string;
}

/** A file as another commit has it; its blob is in the repository. */
export interface TakenFile {
  readonly path: string;
  /** null: there is none. */
  readonly blob: string | null;
  /** As git writes it; a plain file's where nothing is said. */
  readonly mode?: string;
}

/** A commit that joins a line of history which others wrote, documents and all else as they made them. */
export interface JoiningDraft extends CommitDraft {
  readonly joins: string;
  /** Taken from there as they are, beside the edits. */
  readonly takes: readonly TakenFile[];
}

/** Where a branch is to go: to a commit that comes after its tip, or to a new one. */
export type Move = { readonly to: string } | { readonly draft: JoiningDraft };

/** A tree as it stood at one commit. Immutable. */
export interface Snapshot {
  /** Blob id of the file at `path`. */
  blobAt(path: string): string | undefined;
  /** True where the file at `path` has exactly this content. */
  holds(path: string, content: string): boolean;
  /** All files at and below `folder` (default: everything), in git's order. */
  files(folder?: string): Iterable<FileAt>;
}

export interface FileAt {
  readonly path: string;
  readonly blob: string;
}

/** A file that a change wrote (`blob`) or removed (`null`). */
export interface StagedFile {
  readonly path: string;
  readonly blob: string | null;
  readonly content: string | null;
}

/**
 * State that is derived from a branch's tree and moves in step with it. `View` is what a change is decided against:
 * the durable tree and the changes accepted before it in the same group.
 */
export interface Projection<View> {
  /** Everything anew: at the start, and after somebody else moved the branch. */
  reload(snapshot: Snapshot): Promise<void>;
  /** The durable state and the changes of the group so far; `snapshot` is the tree that goes with it. */
  working(snapshot: Snapshot): View;
  /**
   * An accepted change, in the group but not durable yet. `joined`: it was merged with a commit that somebody made of the
   * files themselves, and so knew what it replaces.
   */
  stage(files: readonly StagedFile[], joined: boolean): void;
  /** The group became durable, or was lost: what was staged is kept or dropped. */
  settle(outcome: 'durable' | 'lost'): void;
}

export interface Written {
  /** Durable. Where nothing changed, the commit the branch was at. */
  readonly commit: string;
  readonly changed: boolean;
}

/** One branch with a single writer: the process that holds the repository's lock. */
export interface Branch<View> {
  /** The last durable commit; undefined where the branch does not exist yet. */
  tip(): string | undefined;
  /** The tree at {@link tip}. */
  snapshot(): Snapshot;
  /**
   * Answers when the commit is durable. `decide` is synchronous, may throw to refuse (which rejects this call only),
   * and may be called again when somebody else moved the branch in between.
   * Rejects with STORAGE_UNAVAILABLE where nothing could be written.
   */
  submit(decide: (view: View) => CommitDraft): Promise<Written>;
  /**
   * Moves the branch where somebody else's commits lead. `choose` is asked when everything before is durable, and nothing
   * is written until it has answered. Answers the new tip, durable; undefined where `choose` wants no move, or names a
   * commit that does not come after the tip. What it names is in the repository and durable.
   */
  moveBy(
    choose: (at: {
      readonly tip: string | undefined;
      readonly snapshot: Snapshot;
    }) => Promise<Move | undefined>,
  ): Promise<string | undefined>;
  /** Looks whether somebody else moved the branch, and follows. */
  refresh(): Promise<void>;
  /** After each durable move, with the new commits, oldest first. Returns what ends the subscription. */
  onMoved(listener: (commits: readonly string[]) => void): () => void;
}

export interface FileChange {
  readonly path: string;
  /** Blob id after the commit; null where the commit removed the file. */
  readonly after: string | null;
  readonly before: string | null;
  /** After the commit, as git writes it; absent where it is a plain file's or the file is gone. */
  readonly mode?: string;
}

export interface LogEntry {
  readonly commit: string;
  /** Its first parent; undefined for the first commit of all. */
  readonly parent: string | undefined;
  readonly at: Date;
  readonly author: { readonly name: string; readonly email: string };
  readonly subject: string;
  readonly trailers: ReadonlyMap<string, string>;
  /** What it changed against its first parent; to be relied on only where it was asked for. */
  readonly files: readonly FileChange[];
}

export interface LogQuery {
  /** A commit id or a full ref name. The line of first parents is followed from here. */
  readonly from: string;
  /** Stop before this commit and what is behind it. */
  readonly after?: string;
  /** Only commits that touched this path. */
  readonly path?: string;
  readonly limit?: number;
  readonly order: 'newest first' | 'oldest first';
  readonly files?: boolean;
}

/** Refs beside the branches: `refs/<family>/<name>`. What is set is durable. */
export interface SideRefs {
  read(ref: string): Promise<string | undefined>;
  /** By full name, sorted; `family` with a slash at its end: `refs/proposals/`. */
  list(family: string): Promise<ReadonlyMap<string, string>>;
  set(ref: string, commit: string): Promise<void>;
  remove(ref: string): Promise<void>;
}

export interface Repository {
  readonly path: string;
  branch<View>(name: string, projection: Projection<View>): Promise<Branch<View>>;
  /** The content of blobs, in the order asked. Throws STORAGE_UNAVAILABLE where one is missing. */
  readBlobs(ids: readonly string[]): Promise<readonly Buffer[]>;
  /** The tree of any commit. */
  snapshotAt(commit: string): Promise<Snapshot>;
  log(query: LogQuery): Promise<readonly LogEntry[]>;
  /** What is different in the tree of `after`, by path. */
  diff(before: string, after: string): Promise<readonly FileChange[]>;
  /** Where two lines of history parted; undefined where they have nothing in common. */
  mergeBase(one: string, other: string): Promise<string | undefined>;
  /** How many commits `tip` has that `without` has not, on all lines. */
  countBetween(without: string | undefined, tip: string): Promise<number>;
  /** A commit that no branch knows, made of its parent's tree. Durable; a ref has to hold on to it. */
  commitBeside(parent: string, draft: CommitDraft & Partial<Pick<JoiningDraft, 'takes'>>): Promise<string>;
  readonly refs: SideRefs;
  /** True where `commit` exists and `descendant` is it or comes after it. */
  isAncestor(commit: string, descendant: string): Promise<boolean>;
  /** Ends the children, waits for what is being written, gives the lock back. */
  close(): Promise<void>;
}
