import { ANNOTATIONS, renderedProjectDir } from '@fullstackagent/charts';
import type { ProjectKey, RenderedView, RenderedWrite } from '../model/intent.js';
import type { Branch, LogEntry, Repository, Snapshot } from '../model/repository.js';
import { HOLDS_BACK, INTENT_COMMIT, readTouched, RELEASES, TOUCHED } from './rendered-message.js';

type Listener = (keys: readonly ProjectKey[]) => void;

/** What one commit on `rendered` was made from and which projects' folders it changed. */
export interface RenderedRecord {
  readonly commit: string;
  readonly intentCommit: string | undefined;
  readonly touched: readonly { readonly key: ProjectKey; readonly version: string }[];
  /** All that it changed. */
  readonly folders: readonly string[];
  readonly holdsBackSince?: string | undefined;
  readonly releases?: string | undefined;
}

/** In its own folder, or in that of its applier's object. */
const PROJECT_FILE = /^(?:platform\/projects|tenants)\/[a-z0-9]{2}\/(ns-[a-z0-9]{8})\/([a-z0-9-]+)\/[^/]+$/;
const INTENT_ANNOTATION = new RegExp(
  `${ANNOTATIONS.intent.replace(/[./]/g, '\\$&')}["']?: ["']?([0-9a-f]{40})`,
);

/** A git for each is cheap; past so many, one that compares them all is cheaper. */
const COMPARED_ONE_BY_ONE = 50;

const idOf = ({ namespace, name }: ProjectKey): string => `${namespace}/${name}`;

/** Branch `rendered`, by what people ask about it. Rebuilt from the branch at the start, then told of each commit. */
export class RenderedIndex implements RenderedView {
  #position = new Map<string, number>();
  #byIntent = new Map<string, string>();
  #last = new Map<string, { readonly commit: string; readonly version: string }>();
  #held = new Map<string, string>();
  #tip: string | undefined;
  readonly #listeners = new Set<Listener>();
  readonly #writeListeners = new Set<(written: RenderedWrite) => void>();

  constructor(
    private readonly repository: Pick<Repository, 'readBlobs' | 'log'>,
    private readonly branch: Pick<Branch<Snapshot>, 'tip' | 'snapshot'>,
  ) {}

  lastRendered(key: ProjectKey): { readonly commit: string; readonly version: string } | undefined {
    return this.#last.get(idOf(key));
  }

  renderedFrom(intentCommit: string): string | undefined {
    return this.#byIntent.get(intentCommit);
  }

  includes(revision: string, commit: string): boolean {
    const [at, from] = [this.#position.get(revision), this.#position.get(commit)];
    return at !== undefined && from !== undefined && at >= from;
  }

  /** The intent commits whose removals are held back, and the one that was rendered before each. */
  held(): ReadonlyMap<string, string> {
    return new Map(this.#held);
  }

  /** The projects whose folders a commit changed. */
  async touchedBy(commit: string): Promise<readonly ProjectKey[]> {
    const [entry] = await this.repository.log({ from: commit, limit: 1, order: 'newest first', files: true });
    return entry === undefined ? [] : [...new Set(touchedProjects(entry))].map(keyOf);
  }

  async manifests(key: ProjectKey): ReturnType<RenderedView['manifests']> {
    const branch = this.branch;
    const [commit, tree] = [branch.tip() ?? '', branch.snapshot()];
    const files = [...tree.files(renderedProjectDir(key.namespace, key.name))].sort((a, b) =>
      a.path < b.path ? -1 : 1,
    );
    const contents = await this.repository.readBlobs(files.map(({ blob }) => blob));
    return {
      commit,
      files: files.map(({ path }, index) => ({ path, content: contents[index]?.toString('utf8') ?? '' })),
    };
  }

  onRendered(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onWritten(listener: (written: RenderedWrite) => void): () => void {
    this.#writeListeners.add(listener);
    return () => this.#writeListeners.delete(listener);
  }

  /** A commit that is durable on the branch. */
  record({ commit, touched, folders, ...said }: RenderedRecord): void {
    this.#place(commit, said);
    for (const { key, version } of touched) this.#last.set(idOf(key), { commit, version });
    if (folders.length > 0) this.#tellWritten({ commit, folders });
    if (touched.length > 0) for (const listener of this.#listeners) listener(touched.map(({ key }) => key));
  }

  /** True where this is what the branch holds. */
  isCurrent(): boolean {
    return this.#tip === this.branch.tip();
  }

  /** Everything anew from the branch, from its first commit to its tip. */
  async rebuild(): Promise<void> {
    const [before, tip] = [this.#tip, this.branch.tip()];
    const entries = tip === undefined ? [] : await this.#history(tip);
    this.#tip = undefined;
    this.#position = new Map();
    this.#byIntent = new Map();
    this.#held = new Map();
    const last = new Map<string, { readonly commit: string; readonly version: string | undefined }>();
    for (const entry of entries) {
      const { commit, trailers } = entry;
      this.#place(commit, {
        intentCommit: trailers.get(INTENT_COMMIT),
        holdsBackSince: trailers.get(HOLDS_BACK),
        releases: trailers.get(RELEASES),
      });
      const said = readTouched(trailers.get(TOUCHED));
      for (const { key, version } of said ?? []) last.set(idOf(key), { commit, version });
      if (said === undefined)
        for (const id of touchedProjects(entry)) last.set(id, { commit, version: undefined });
    }
    this.#last = await this.#withVersions(last);
    // Somebody else wrote it.
    if (before !== undefined && tip !== undefined && tip !== before)
      this.#tellWritten({ commit: tip, folders: [] });
  }

  #tellWritten(written: RenderedWrite): void {
    for (const listener of this.#writeListeners) listener(written);
  }

  /** Only commits that do not say themselves what they touched are compared with the one before. */
  async #history(tip: string): Promise<readonly LogEntry[]> {
    const query = { from: tip, order: 'oldest first' } as const;
    const entries = await this.repository.log(query);
    const silent = entries.filter(({ trailers }) => readTouched(trailers.get(TOUCHED)) === undefined);
    if (silent.length > COMPARED_ONE_BY_ONE) return this.repository.log({ ...query, files: true });
    const compared = new Map<string, LogEntry>();
    for (const { commit } of silent) {
      const [entry] = await this.repository.log({
        from: commit,
        limit: 1,
        order: 'newest first',
        files: true,
      });
      if (entry !== undefined) compared.set(commit, entry);
    }
    return entries.map((entry) => compared.get(entry.commit) ?? entry);
  }

  #place(commit: string, said: Omit<RenderedRecord, 'commit' | 'touched' | 'folders'>): void {
    const { intentCommit, holdsBackSince, releases } = said;
    this.#position.set(commit, this.#position.size);
    this.#tip = commit;
    if (releases !== undefined) this.#held.delete(releases);
    if (intentCommit === undefined) return;
    if (holdsBackSince !== undefined) this.#held.set(intentCommit, holdsBackSince);
    // The slices of a roll-out name the intent commit that they came after: it was rendered before them.
    if (!this.#byIntent.has(intentCommit)) this.#byIntent.set(intentCommit, commit);
  }

  /** Every object says in an annotation which version of its document it was made from. */
  async #withVersions(
    last: ReadonlyMap<string, { readonly commit: string; readonly version: string | undefined }>,
  ): Promise<Map<string, { commit: string; version: string }>> {
    const files = [...last].flatMap(([id, { version }]) => {
      const { namespace, name } = keyOf(id);
      const [file] =
        version === undefined ? this.branch.snapshot().files(renderedProjectDir(namespace, name)) : [];
      return file === undefined ? [] : [{ id, blob: file.blob }];
    });
    const contents = await this.repository.readBlobs(files.map(({ blob }) => blob));
    const versions = new Map(
      files.map(({ id }, at) => [id, INTENT_ANNOTATION.exec(contents[at]?.toString('utf8') ?? '')?.[1]]),
    );
    return new Map(
      [...last].map(([id, { commit, version }]) => [
        id,
        { commit, version: version ?? versions.get(id) ?? '' },
      ]),
    );
  }
}

const touchedProjects = ({ files }: LogEntry): string[] =>
  files.map(({ path }) => projectOf(path)).filter((id) => id !== undefined);

function projectOf(path: string): string | undefined {
  const match = PROJECT_FILE.exec(path);
  return match === null ? undefined : `${match[1] ?? ''}/${match[2] ?? ''}`;
}

function keyOf(id: string): ProjectKey {
  const [namespace = '', name = ''] = id.split('/');
  return { namespace, name };
}
