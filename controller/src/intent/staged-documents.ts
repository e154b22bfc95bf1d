import { hostsOf } from '@fullstackagent/charts';
import { byKey, DocumentView, type DocumentIndex } from './document-index.js';
import type { GoodDocument, StoredProject, UnreadableDocument } from './documents.js';

/** The durable documents and, over them, those of changes that are accepted and not durable yet. */
export class StagedDocuments extends DocumentView {
  readonly #staged = new Map<string, GoodDocument | undefined>();

  constructor(private readonly durable: DocumentIndex) {
    super();
  }

  stage(path: string, document: GoodDocument | undefined): void {
    this.#staged.set(path, document);
  }

  /** What was staged is what is durable now. */
  keep(): void {
    for (const [path, document] of this.#staged) {
      if (document === undefined) this.durable.remove(path);
      else this.durable.put(document);
    }
    this.#staged.clear();
  }

  drop(): void {
    this.#staged.clear();
  }

  override projects(namespace?: string): readonly StoredProject[] {
    const unchanged = this.durable.projects(namespace).filter(({ path }) => !this.#staged.has(path));
    const staged = this.#stagedProjects().filter(
      ({ document }) => namespace === undefined || document.metadata.namespace === namespace,
    );
    return staged.length === 0 ? unchanged : [...unchanged, ...staged].sort(byKey);
  }

  /** Costs as much as the group is long, whatever the number of projects. */
  override hostTaken(host: string): boolean {
    const byDurable = [...this.durable.hostOwners(host)].some((path) => !this.#staged.has(path));
    return byDurable || this.#stagedProjects().some(({ document }) => hostsOf(document).includes(host));
  }

  override versionAt(path: string): string | undefined {
    return this.#staged.has(path) ? this.#staged.get(path)?.version : this.durable.versionAt(path);
  }

  override unreadable(path: string): UnreadableDocument | undefined {
    return this.#staged.has(path) ? undefined : this.durable.unreadable(path);
  }

  protected override good(path: string): GoodDocument | undefined {
    return this.#staged.has(path) ? this.#staged.get(path) : this.durable.goodAt(path);
  }

  #stagedProjects(): StoredProject[] {
    return [...this.#staged.values()].filter((document) => document?.kind === 'Project');
  }
}
