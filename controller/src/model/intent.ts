import type { PlatformDocument, ProjectDocument, TenantDocument } from '@fullstackagent/charts';

/** What several stages talk about. Types only: a stage gets the thing itself from the composition root. */

export interface ProjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** A document and the id of the blob it was read from: the version a form is made from. */
export interface Versioned<T> {
  readonly document: T;
  readonly version: string;
}

/** Who asked. `id` is the portal's stable pseudonym; the address in the commit is made from it. */
export interface Author {
  readonly id: string;
  readonly name: string;
}

/** One file to write (`content`) or to remove (`null`). */
export interface Edit {
  readonly path: string;
  readonly content: string | null;
}

/** The documents as they stand when a change is applied: after every change accepted before it. */
export interface IntentView {
  platform(): Versioned<PlatformDocument>;
  tenant(namespace: string): Versioned<TenantDocument> | undefined;
  project(key: ProjectKey): Versioned<ProjectDocument> | undefined;
  /** All valid projects, or those of one namespace; deleted ones included. Order: namespace, then name. */
  projects(namespace?: string): readonly Versioned<ProjectDocument>[];
  /** True where any project of the installation has this host. */
  hostTaken(host: string): boolean;
  /** Blob id of the document at `path`, readable or not. */
  versionAt(path: string): string | undefined;
}

export interface ChangeRequest {
  readonly author: Author;
  /** Trailer `Action:`, one word: `create`, `stop`, `environment`, … */
  readonly action: string;
  /** Subject in plain words: "Stop my-blog". */
  readonly subject: string;
  readonly project?: ProjectKey;
  readonly requestId: string;
  /** The commit that this one says yes to; it is written even where it changes no file. */
  readonly approves?: string;
  /** The commit is what matters, whether it changes a file or not. */
  readonly evenIfUnchanged?: true;
  /** A commit that was pushed and becomes the second parent; its objects are in the repository. */
  readonly joins?: string;
  /**
   * Decides what to write, against the documents as they stand. Throws an AppError to refuse; nothing is written then.
   * Synchronous, so that nothing can come between the decision and the commit. May be called again after a lost
   * compare-and-swap.
   */
  readonly decide: (view: IntentView) => readonly Edit[];
}

export interface Accepted {
  /** Durable on `main`: never changes from here on. Where nothing changed, the commit that `main` was at. */
  readonly commit: string;
  readonly changed: boolean;
}

export interface IntentCommit {
  readonly commit: string;
  readonly at: Date;
  readonly author: Author;
  readonly subject: string;
  readonly action?: string;
}

/** A document on `main` that cannot be used (edited by hand): its last good rendering stands. */
export interface InvalidDocument {
  readonly path: string;
  readonly message: string;
}

export interface IntentStore extends IntentView {
  change(request: ChangeRequest): Promise<Accepted>;
  /** What a change would write, against the documents as they stand. Nothing is written. Throws as the change would. */
  preview(decide: ChangeRequest['decide']): readonly Edit[];
  history(key: ProjectKey, options: { limit: number; before?: string }): Promise<readonly IntentCommit[]>;
  /**
   * An earlier version of a project's document, or the one that stands. undefined where this project never had it (a
   * blob id alone would open every document of the installation), or it cannot be read.
   */
  projectVersion(key: ProjectKey, version: string): Promise<ProjectDocument | undefined>;
  invalid(key: ProjectKey): InvalidDocument | undefined;
  /** Whose app or release has this host; undefined where nobody's has, or more than one says so. */
  projectAt(host: string): ProjectKey | undefined;
  /** Called after each durable commit on `main`, in order. Returns the function that ends the subscription. */
  onCommit(listener: (commit: string) => void): () => void;
}

/** What is known about branch `rendered`. */
export interface RenderedView {
  /** The last commit on `rendered` that touched this project's folder, or how it is applied, and what it was rendered from. */
  lastRendered(key: ProjectKey): { readonly commit: string; readonly version: string } | undefined;
  /** The `rendered` commit made from this `main` commit, if there is one yet. */
  renderedFrom(intentCommit: string): string | undefined;
  /** True where `revision` is `commit` or comes after it on `rendered`. False for a revision nobody knows. */
  includes(revision: string, commit: string): boolean;
  /** What is in a project's own folder at the tip, sorted by path. How that is applied is the operators', like a tenant's. */
  manifests(
    key: ProjectKey,
  ): Promise<{ commit: string; files: readonly { path: string; content: string }[] }>;
  onRendered(listener: (keys: readonly ProjectKey[]) => void): () => void;
  /** Called after each durable commit that changes a file, also one that is no project's. Ends with what it returns. */
  onWritten(listener: (written: RenderedWrite) => void): () => void;
}

/** What is new on `rendered`. */
export interface RenderedWrite {
  readonly commit: string;
  /** What it changed; none where that is not known. */
  readonly folders: readonly string[];
}
