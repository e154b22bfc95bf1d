import { documentAt, PLATFORM_PATH, type PlatformDocument } from '@fullstackagent/charts';
import { storedDocument, type StoredDocument } from '../intent/documents.js';
import type { FileChange, LogEntry, Repository } from '../model/repository.js';

/** How far back the last good `platform.yaml` is looked for. */
const VERSIONS_LOOKED_AT = 50;
const CACHED_DOCUMENTS = 2_000;

/** The documents of `main` as they stood at the commit that rendering has come to; not as they stand now. */
export class MainPosition {
  #blobs = new Map<string, string>();
  #platform: PlatformDocument | undefined;
  readonly #cache = new Map<string, StoredDocument>();

  private constructor(private readonly repository: Pick<Repository, 'readBlobs' | 'log' | 'snapshotAt'>) {}

  /** Before the first commit. */
  static beginning(repository: Repository): MainPosition {
    return new MainPosition(repository);
  }

  static async at(repository: Repository, commit: string): Promise<MainPosition> {
    const position = new MainPosition(repository);
    const tree = await repository.snapshotAt(commit);
    for (const { path, blob } of tree.files())
      if (documentAt(path) !== undefined) position.#blobs.set(path, blob);
    position.#platform = await position.#lastGoodPlatform(commit);
    return position;
  }

  /** The last `platform.yaml` that could be read, up to here. */
  platform(): PlatformDocument | undefined {
    return this.#platform;
  }

  /** The paths of all tenants and projects, sorted. */
  paths(): readonly string[] {
    return [...this.#blobs.keys()].filter((path) => path !== PLATFORM_PATH).sort();
  }

  blobAt(path: string): string | undefined {
    return this.#blobs.get(path);
  }

  /** Goes on by one commit; answers what it changed among the documents. */
  async advance(entry: LogEntry): Promise<readonly FileChange[]> {
    const changes = entry.files.filter(({ path }) => documentAt(path) !== undefined);
    for (const { path, after } of changes) {
      if (after === null) this.#blobs.delete(path);
      else this.#blobs.set(path, after);
    }
    if (changes.some(({ path }) => path === PLATFORM_PATH)) {
      const found = await this.document(PLATFORM_PATH);
      if (found?.kind === 'Platform') this.#platform = found.document;
    }
    return changes;
  }

  async document(path: string): Promise<StoredDocument | undefined> {
    const blob = this.#blobs.get(path);
    return blob === undefined ? undefined : this.version(path, blob);
  }

  /** The document that a blob of any commit holds. */
  async version(path: string, blob: string): Promise<StoredDocument | undefined> {
    const key = `${blob} ${path}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const [content] = await this.repository.readBlobs([blob]);
    const document = storedDocument({ path, blob, text: content?.toString('utf8') ?? '' });
    if (document !== undefined) this.#remember(key, document);
    return document;
  }

  /** The oldest entry goes first: a document is asked for when it changes, and then rarely again. */
  #remember(key: string, document: StoredDocument): void {
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= CACHED_DOCUMENTS && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(key, document);
  }

  async #lastGoodPlatform(commit: string): Promise<PlatformDocument | undefined> {
    const now = await this.document(PLATFORM_PATH);
    if (now?.kind === 'Platform') return now.document;
    const history = await this.repository.log({
      from: commit,
      path: PLATFORM_PATH,
      limit: VERSIONS_LOOKED_AT,
      order: 'newest first',
      files: true,
    });
    for (const { before } of history.flatMap(({ files }) => files)) {
      const earlier = before === null ? undefined : await this.version(PLATFORM_PATH, before);
      if (earlier?.kind === 'Platform') return earlier.document;
    }
    return undefined;
  }
}
