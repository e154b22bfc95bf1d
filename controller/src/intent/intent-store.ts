import {
  projectPath,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type {
  Accepted,
  ChangeRequest,
  Edit,
  IntentCommit,
  IntentStore,
  IntentView,
  InvalidDocument,
  ProjectKey,
  Versioned,
} from '../model/intent.js';
import type { Branch, Repository } from '../model/repository.js';
import { commitMessage, intentCommit, portalSignature, userSignature } from './commit-message.js';
import { projectId, storedDocument, type StoredDocument } from './documents.js';
import type { IntentProjection } from './intent-projection.js';

export interface IntentStoreDeps {
  readonly repository: Repository;
  readonly now: () => Date;
}

const COMMIT_ID = /^[0-9a-f]{40}$/;
/** A form that is older than so many changes of its project is loaded again. */
const VERSIONS_LOOKED_AT = 200;

/** What people want, as it stands on branch `main`. */
export class GitIntentStore implements IntentStore {
  /** Why a version of a project's document cannot be rendered; said by whoever tried. */
  readonly #unrenderable = new Map<string, { readonly version: string; readonly message: string }>();

  #acknowledge: (commit: string) => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly deps: IntentStoreDeps,
    private readonly documents: IntentProjection,
    /** Who writes to it directly knows why: {@link change} is for everybody else. */
    readonly main: Branch<IntentView>,
  ) {}

  platform(): Versioned<PlatformDocument> {
    return this.documents.durable.platform();
  }

  tenant(namespace: string): Versioned<TenantDocument> | undefined {
    return this.documents.durable.tenant(namespace);
  }

  project(key: ProjectKey): Versioned<ProjectDocument> | undefined {
    return this.documents.durable.project(key);
  }

  projects(namespace?: string): readonly Versioned<ProjectDocument>[] {
    return this.documents.durable.projects(namespace);
  }

  hostTaken(host: string): boolean {
    return this.documents.durable.hostTaken(host);
  }

  projectAt(host: string): ProjectKey | undefined {
    const { durable } = this.documents;
    const [path, ...others] = durable.hostOwners(host);
    const found = path === undefined || others.length > 0 ? undefined : durable.goodAt(path);
    if (found?.kind !== 'Project') return undefined;
    const { namespace, name } = found.document.metadata;
    return { namespace, name };
  }

  versionAt(path: string): string | undefined {
    return this.documents.durable.versionAt(path);
  }

  invalid(key: ProjectKey): InvalidDocument | undefined {
    const path = projectPath(key.namespace, key.name);
    const unreadable = this.documents.durable.unreadable(path);
    if (unreadable !== undefined) return { path, message: unreadable.message };
    const unrenderable = this.#unrenderable.get(projectId(key));
    if (unrenderable === undefined || unrenderable.version !== this.project(key)?.version) return undefined;
    return { path, message: unrenderable.message };
  }

  /** A version that the renderer refuses is as invalid as one that cannot be read; `undefined`: it renders. */
  setUnrenderable(key: ProjectKey, problem: { version: string; message: string } | undefined): void {
    if (problem === undefined) this.#unrenderable.delete(projectId(key));
    else this.#unrenderable.set(projectId(key), problem);
  }

  /** A version of a document that is in memory already. */
  known(path: string, blob: string): StoredDocument | undefined {
    const document = this.documents.durable.goodAt(path);
    return document?.version === blob ? document : undefined;
  }

  tip(): string | undefined {
    return this.main.tip();
  }

  /** Blob id of any file at the tip; documents also have {@link versionAt}, which knows what is on its way there. */
  fileAt(path: string): string | undefined {
    return this.main.snapshot().blobAt(path);
  }

  /** What has to happen to a durable commit before whoever asked for it is told. May throw: it is written all the same. */
  acknowledgeWith(acknowledge: (commit: string) => Promise<void>): void {
    this.#acknowledge = acknowledge;
  }

  async change(request: ChangeRequest): Promise<Accepted> {
    const accepted = await this.#write(request);
    if (accepted.changed) await this.#acknowledge(accepted.commit);
    return accepted;
  }

  #write(request: ChangeRequest): Promise<Accepted> {
    return this.main.submit((view) => {
      const edits = request.decide(view);
      const at = this.deps.now();
      return {
        author: userSignature(request.author, at),
        committer: portalSignature(at),
        message: commitMessage(request),
        edits,
        evenIfUnchanged: request.approves !== undefined || request.evenIfUnchanged === true,
        ...(request.joins === undefined ? {} : { joins: request.joins }),
      };
    });
  }

  preview(decide: ChangeRequest['decide']): readonly Edit[] {
    return decide(this.documents.durable);
  }

  async history(
    key: ProjectKey,
    { limit, before }: { limit: number; before?: string },
  ): Promise<readonly IntentCommit[]> {
    if (before !== undefined && !COMMIT_ID.test(before))
      throw new AppError('BAD_REQUEST', '"before" is the id of a commit.');
    const tip = this.main.tip();
    if (tip === undefined) return [];
    if (before !== undefined && !(await this.deps.repository.isAncestor(before, tip)))
      throw new AppError('BAD_REQUEST', '"before" is the id of a commit of this history.');
    const from = before ?? tip;
    // The commit of the page before is found again as the first one, and is not part of this page.
    const entries = await this.deps.repository.log({
      from,
      path: projectPath(key.namespace, key.name),
      limit: limit + 1,
      order: 'newest first',
    });
    return entries
      .filter(({ commit }) => commit !== before)
      .slice(0, limit)
      .map(intentCommit);
  }

  async projectVersion(key: ProjectKey, version: string): Promise<ProjectDocument | undefined> {
    const current = this.project(key);
    if (current?.version === version) return current.document;
    const path = projectPath(key.namespace, key.name);
    if (!(await this.#everHad(path, version))) return undefined;
    const [content] = await this.deps.repository.readBlobs([version]);
    const read = storedDocument({ path, blob: version, text: content?.toString('utf8') ?? '' });
    return read?.kind === 'Project' ? read.document : undefined;
  }

  async #everHad(path: string, version: string): Promise<boolean> {
    const from = this.main.tip();
    if (from === undefined || !COMMIT_ID.test(version)) return false;
    const entries = await this.deps.repository.log({
      from,
      path,
      limit: VERSIONS_LOOKED_AT,
      order: 'newest first',
      files: true,
    });
    return entries.some(({ files }) =>
      files.some((file) => file.path === path && (file.after === version || file.before === version)),
    );
  }

  onCommit(listener: (commit: string) => void): () => void {
    return this.main.onMoved((commits) => {
      for (const commit of commits) listener(commit);
    });
  }

  /** Looks for commits that came another way than through {@link change}. */
  async refresh(): Promise<void> {
    await this.main.refresh();
  }
}
