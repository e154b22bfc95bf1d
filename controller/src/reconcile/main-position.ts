import { documentAt, hostsOf, PLATFORM_PATH } from '@fullstackagent/charts';
import { storedDocument, type StoredDocument, type StoredPlatform } from '../intent/documents.js';
import type { FileChange, LogEntry, Repository } from '../model/repository.js';
import { HostOwners } from './host-owners.js';

/** How far back the last good `platform.yaml` is looked for. */
const VERSIONS_LOOKED_AT = 50;
const CACHED_DOCUMENTS = 2_000;

export interface PositionSource {
  readonly repository: Pick<Repository, 'readBlobs' | 'log' | 'snapshotAt'>;
  /** A version of a document that somebody has read already. */
  readonly known?: (path: string, blob: string) => StoredDocument | undefined;
}

/** What one commit changed. */
export interface Advance {
  readonly changes: readonly FileChange[];
  /** Projects that did not change, and have an address now that was another's before. */
  readonly heirs: readonly string[];
}

/** The documents of `main` as they stood at the commit that rendering has come to; not as they stand now. */
export class MainPosition {
  #blobs = new Map<string, string>();
  #platform: StoredPlatform | undefined;
  readonly #hosts = new HostOwners();
  readonly #cache = new Map<string, StoredDocument>();

  private constructor(private readonly source: PositionSource) {}

  /** Before the first commit. */
  static beginning(source: PositionSource): MainPosition {
    return new MainPosition(source);
  }

  /** `isRendered`: of two projects with one address, the one that is rendered has it. */
  static async at(
    source: PositionSource,
    commit: string,
    isRendered: (path: string, blob: string) => boolean,
  ): Promise<MainPosition> {
    const position = new MainPosition(source);
    const tree = await source.repository.snapshotAt(commit);
    for (const { path, blob } of tree.files())
      if (documentAt(path) !== undefined) position.#blobs.set(path, blob);
    position.#platform = await position.#lastGoodPlatform(commit);
    await position.#claimHosts(isRendered);
    return position;
  }

  /** The last `platform.yaml` that could be read, up to here. */
  platform(): StoredPlatform | undefined {
    return this.#platform;
  }

  /** The paths of all tenants and projects, sorted. */
  paths(): readonly string[] {
    return [...this.#blobs.keys()].filter((path) => path !== PLATFORM_PATH).sort();
  }

  size(): number {
    return this.#blobs.size;
  }

  blobAt(path: string): string | undefined {
    return this.#blobs.get(path);
  }

  /** The project that has the address which the one at `path` asks for. */
  hostRival(path: string): string | undefined {
    return this.#hosts.rivalOf(path);
  }

  /** Goes on by one commit; answers what it changed among the documents. */
  async advance(entry: Pick<LogEntry, 'files'>): Promise<Advance> {
    const changes = entry.files.filter(({ path }) => documentAt(path) !== undefined);
    for (const { path, after } of changes) {
      if (after === null) this.#blobs.delete(path);
      else this.#blobs.set(path, after);
    }
    const heirs: string[] = [];
    for (const { path } of changes) heirs.push(...(await this.#follow(path)));
    const changed = new Set(changes.map(({ path }) => path));
    return { changes, heirs: heirs.filter((path) => !changed.has(path)) };
  }

  async document(path: string): Promise<StoredDocument | undefined> {
    const blob = this.#blobs.get(path);
    return blob === undefined ? undefined : this.version(path, blob);
  }

  /** The document that a blob of any commit holds. */
  async version(path: string, blob: string): Promise<StoredDocument | undefined> {
    const key = `${blob} ${path}`;
    const cached = this.#cache.get(key) ?? this.source.known?.(path, blob);
    if (cached !== undefined) return cached;
    const [content] = await this.source.repository.readBlobs([blob]);
    const document = storedDocument({ path, blob, text: content?.toString('utf8') ?? '' });
    if (document !== undefined) this.#remember(key, document);
    return document;
  }

  /** The platform of a version that was in force before. */
  async platformVersion(blob: string): Promise<StoredPlatform | undefined> {
    const found = await this.version(PLATFORM_PATH, blob);
    return found?.kind === 'Platform' ? found : undefined;
  }

  async #follow(path: string): Promise<readonly string[]> {
    const document = await this.document(path);
    if (document?.kind === 'Platform') this.#platform = document;
    return this.#claimOf(path, document);
  }

  /** A document that cannot be read keeps what it has: its last good rendering stands. */
  #claimOf(path: string, document: StoredDocument | undefined): readonly string[] {
    if (document === undefined) return this.#hosts.release(path);
    return document.kind === 'Project' ? this.#hosts.claim(path, hostsOf(document.document)) : [];
  }

  async #claimHosts(isRendered: (path: string, blob: string) => boolean): Promise<void> {
    const [rendered, others]: [string[], string[]] = [[], []];
    for (const path of this.paths())
      (isRendered(path, this.#blobs.get(path) ?? '') ? rendered : others).push(path);
    for (const path of [...rendered, ...others]) this.#claimOf(path, await this.document(path));
  }

  /** The oldest entry goes first: a document is asked for when it changes, and then rarely again. */
  #remember(key: string, document: StoredDocument): void {
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= CACHED_DOCUMENTS && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(key, document);
  }

  async #lastGoodPlatform(commit: string): Promise<StoredPlatform | undefined> {
    const now = await this.document(PLATFORM_PATH);
    if (now?.kind === 'Platform') return now;
    const history = await this.source.repository.log({
      from: commit,
      path: PLATFORM_PATH,
      limit: VERSIONS_LOOKED_AT,
      order: 'newest first',
      files: true,
    });
    for (const { before } of history.flatMap(({ files }) => files)) {
      const earlier = before === null ? undefined : await this.platformVersion(before);
      if (earlier !== undefined) return earlier;
    }
    return undefined;
  }
}
