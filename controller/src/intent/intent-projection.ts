import { documentAt, PLATFORM_PATH } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { IntentView } from '../model/intent.js';
import type { FileAt, Projection, Repository, Snapshot, StagedFile } from '../model/repository.js';
import { DocumentIndex } from './document-index.js';
import { storedDocument, type StoredDocument } from './documents.js';
import { StagedDocuments } from './staged-documents.js';

/** How far back the last good version of an unreadable document is looked for. */
const VERSIONS_LOOKED_AT = 50;

/** Documents of `main` in memory, moved by the branch's writer in step with the branch. */
export class IntentProjection implements Projection<IntentView> {
  readonly durable = new DocumentIndex();
  readonly #working = new StagedDocuments(this.durable);

  constructor(private readonly repository: Pick<Repository, 'readBlobs' | 'log'>) {}

  /** Reads what is not known already: everything in one pass at the start, what changed after somebody's push. */
  async reload(snapshot: Snapshot): Promise<void> {
    this.#working.drop();
    const files = [...snapshot.files()].filter(({ path }) => documentAt(path) !== undefined);
    const present = new Set(files.map(({ path }) => path));
    const changed = files.filter(({ path, blob }) => this.durable.versionAt(path) !== blob);
    const documents = await this.#read(changed);
    const lost = documents.filter(({ kind }) => kind === 'Unreadable').map(({ path }) => path);
    const earlier = await Promise.all(
      [...lost, PLATFORM_PATH].map((path) => this.#lastGood(path, documents)),
    );
    for (const path of this.durable.paths())
      // Without any platform nothing could be shown or decided: one that was removed goes on counting.
      if (!present.has(path) && path !== PLATFORM_PATH) this.durable.remove(path);
    for (const document of [...earlier, ...documents]) if (document !== undefined) this.durable.put(document);
  }

  working(): IntentView {
    return this.#working;
  }

  /**
   * Throws VALIDATION_FAILED for a document that could not be read back: it is never written. Throws ACTION_NOT_ALLOWED
   * where one cannot be read now: a change that was decided by its last good version would drop what was made of it.
   */
  stage(files: readonly StagedFile[], joined = false): void {
    const documents = files.map(({ path, blob, content }) => ({
      path,
      document: blob === null || content === null ? undefined : storedDocument({ path, blob, text: content }),
    }));
    for (const { path, document } of documents) {
      if (!joined) this.#refuseUnreadable(path);
      refuseInvalid(document);
    }
    for (const { path, document } of documents)
      if (document?.kind !== 'Unreadable') this.#working.stage(path, document);
  }

  settle(outcome: 'durable' | 'lost'): void {
    if (outcome === 'durable') this.#working.keep();
    else this.#working.drop();
  }

  #refuseUnreadable(path: string): void {
    const unreadable = this.durable.unreadable(path);
    if (unreadable !== undefined)
      throw new AppError(
        'ACTION_NOT_ALLOWED',
        `The document ${path} on branch main was changed by hand and cannot be read. Mend it there first: ${unreadable.message}`,
      );
  }

  async #read(files: readonly FileAt[]): Promise<StoredDocument[]> {
    const contents = await this.repository.readBlobs(files.map(({ blob }) => blob));
    return files.flatMap(({ path, blob }, index) => {
      const document = storedDocument({ path, blob, text: contents[index]?.toString('utf8') ?? '' });
      return document === undefined ? [] : [document];
    });
  }

  /** What stood at the path before it became unreadable, or was removed; undefined where that is in memory. */
  async #lastGood(path: string, read: readonly StoredDocument[]): Promise<StoredDocument | undefined> {
    const readable = read.some((document) => document.path === path && document.kind !== 'Unreadable');
    if (readable || this.durable.goodAt(path) !== undefined) return undefined;
    const history = await this.repository.log({
      from: 'refs/heads/main',
      path,
      limit: VERSIONS_LOOKED_AT,
      order: 'newest first',
      files: true,
    });
    const blobs = history.flatMap(({ files }) => files.map(({ before }) => before));
    const versions = await this.#read(blobs.filter((blob) => blob !== null).map((blob) => ({ path, blob })));
    return versions.find(({ kind }) => kind !== 'Unreadable');
  }
}

function refuseInvalid(document: StoredDocument | undefined): void {
  if (document?.kind === 'Unreadable')
    throw new AppError('VALIDATION_FAILED', document.message, { errors: document.issues });
}
