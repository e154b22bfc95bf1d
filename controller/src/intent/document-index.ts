import {
  hostsOf,
  PLATFORM_PATH,
  projectPath,
  tenantPath,
  type PlatformDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { IntentView, ProjectKey, Versioned } from '../model/intent.js';
import type { GoodDocument, StoredDocument, StoredProject, UnreadableDocument } from './documents.js';

/** What views over documents share: everything is found by its path. */
export abstract class DocumentView implements IntentView {
  protected abstract good(path: string): GoodDocument | undefined;
  abstract projects(namespace?: string): readonly StoredProject[];
  abstract hostTaken(host: string): boolean;
  abstract versionAt(path: string): string | undefined;
  abstract unreadable(path: string): UnreadableDocument | undefined;

  platform(): Versioned<PlatformDocument> {
    const found = this.good(PLATFORM_PATH);
    if (found?.kind === 'Platform') return found;
    const unreadable = this.unreadable(PLATFORM_PATH);
    const why = unreadable === undefined ? '' : ` ${unreadable.message}`;
    throw new AppError(
      'NOT_READY',
      `There is no valid platform.yaml on branch main: nothing can be decided.${why}`,
    );
  }

  tenant(namespace: string): Versioned<TenantDocument> | undefined {
    const found = this.good(tenantPath(namespace));
    return found?.kind === 'Tenant' ? found : undefined;
  }

  project({ namespace, name }: ProjectKey): StoredProject | undefined {
    const found = this.good(projectPath(namespace, name));
    return found?.kind === 'Project' ? found : undefined;
  }
}

/**
 * The documents of the last durable commit. Where a document became unreadable its last good version goes on being the
 * answer, and that it is not what `main` says is told beside it.
 */
export class DocumentIndex extends DocumentView {
  readonly #good = new Map<string, GoodDocument>();
  readonly #unreadable = new Map<string, UnreadableDocument>();
  readonly #byNamespace = new Map<string, Map<string, StoredProject>>();
  /** host -> paths of the projects that have it; more than one only where a document was copied by hand. */
  readonly #hosts = new Map<string, Set<string>>();
  #sorted: readonly StoredProject[] | undefined;

  protected override good(path: string): GoodDocument | undefined {
    return this.#good.get(path);
  }

  /** The blob that was read last from this path, readable or not. */
  override versionAt(path: string): string | undefined {
    return (this.#unreadable.get(path) ?? this.#good.get(path))?.version;
  }

  override unreadable(path: string): UnreadableDocument | undefined {
    return this.#unreadable.get(path);
  }

  goodAt(path: string): GoodDocument | undefined {
    return this.#good.get(path);
  }

  paths(): Iterable<string> {
    return new Set([...this.#good.keys(), ...this.#unreadable.keys()]);
  }

  override projects(namespace?: string): readonly StoredProject[] {
    if (namespace !== undefined) return [...(this.#byNamespace.get(namespace)?.values() ?? [])].sort(byKey);
    return (this.#sorted ??= [...this.#byNamespace.values()]
      .flatMap((some) => [...some.values()])
      .sort(byKey));
  }

  override hostTaken(host: string): boolean {
    return this.#hosts.has(host);
  }

  hostOwners(host: string): ReadonlySet<string> {
    return this.#hosts.get(host) ?? new Set();
  }

  put(document: StoredDocument): void {
    if (document.kind === 'Unreadable') {
      this.#unreadable.set(document.path, document);
      return;
    }
    this.remove(document.path);
    this.#good.set(document.path, document);
    if (document.kind === 'Project') this.#addProject(document);
  }

  remove(path: string): void {
    const before = this.#good.get(path);
    this.#unreadable.delete(path);
    this.#good.delete(path);
    if (before?.kind === 'Project') this.#removeProject(before);
  }

  #addProject(project: StoredProject): void {
    const { metadata } = project.document;
    this.#sorted = undefined;
    const siblings = this.#byNamespace.get(metadata.namespace) ?? new Map<string, StoredProject>();
    this.#byNamespace.set(metadata.namespace, siblings.set(metadata.name, project));
    for (const host of hostsOf(project.document))
      this.#hosts.set(host, (this.#hosts.get(host) ?? new Set()).add(project.path));
  }

  #removeProject({ path, document }: StoredProject): void {
    const { metadata } = document;
    this.#sorted = undefined;
    this.#byNamespace.get(metadata.namespace)?.delete(metadata.name);
    for (const host of hostsOf(document)) {
      const owners = this.#hosts.get(host);
      owners?.delete(path);
      if (owners?.size === 0) this.#hosts.delete(host);
    }
  }
}

export const byKey = (a: StoredProject, b: StoredProject): number =>
  compare(a.document.metadata.namespace, b.document.metadata.namespace) ||
  compare(a.document.metadata.name, b.document.metadata.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
