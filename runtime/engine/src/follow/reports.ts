import { apiVersionOf, KINDS } from '../store/kinds.js';
import { list, record, refOf, text, type Json, type ObjectRef } from '../store/object.js';
import type { Store } from '../store/store.js';
import { folderOf, type Folder } from './folders.js';

interface Outcome {
  readonly commit: string;
  readonly inventory?: readonly ObjectRef[];
  /** Why it could not be applied, for a person. */
  readonly error?: string;
}

const MANAGED = { 'app.kubernetes.io/managed-by': 'fullstackagent' };

/** What the applier says of itself, in the objects in which Flux would say it. */
export class ApplierReports {
  constructor(
    private readonly store: Store,
    private readonly now: () => Date,
  ) {}

  /** What the folder held when it was last applied. */
  inventory(folder: Folder): readonly ObjectRef[] {
    return list(this.store.get(kustomization(folder)), 'status', 'inventory', 'entries').map((entry) => {
      const [namespace = '', name = '', , kind = ''] = (text(entry, 'id') ?? '').split('_');
      return { kind, namespace: namespace === '' ? undefined : namespace, name };
    });
  }

  /** The folders that are reported on. */
  folders(): readonly Folder[] {
    return this.store
      .list('Kustomization')
      .flatMap((object) => folderOf((text(object, 'spec', 'path') ?? '').replace(/^\.\//, '')) ?? []);
  }

  /** The folder is gone, and so is what reported on it. */
  forget(folder: Folder): void {
    this.store.remove(kustomization(folder));
  }

  folder(folder: Folder, outcome: Outcome): void {
    const { store } = this;
    const object = store.apply({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: {
        name: folder.name,
        namespace: folder.namespace,
        labels:
          folder.kind === 'project' ? { ...MANAGED, 'fullstackagent.dev/project': folder.name } : MANAGED,
      },
      spec: {
        interval: '2s',
        path: `./${folder.path}`,
        prune: true,
        sourceRef: { kind: 'GitRepository', name: 'platform', namespace: 'flux-system' },
      },
    });
    const revision = `rendered@sha1:${outcome.commit}`;
    const before = record(object, 'status');
    const ready = outcome.error === undefined;
    store.setStatus(kustomization(folder), {
      ...before,
      observedGeneration: object.metadata.generation ?? 1,
      conditions: this.#condition(before, {
        status: ready ? 'True' : 'False',
        reason: ready ? 'ReconciliationSucceeded' : 'BuildFailed',
        message: ready ? `Applied revision: ${revision}` : (outcome.error ?? ''),
      }),
      lastAttemptedRevision: revision,
      ...(ready ? { lastAppliedRevision: revision } : {}),
      ...(outcome.inventory === undefined
        ? {}
        : {
            inventory: {
              entries: outcome.inventory.map((ref) => ({ id: inventoryId(ref), v: versionOf(ref) })),
            },
          }),
    });
  }

  #condition(before: Json, next: { status: string; reason: string; message: string }): readonly Json[] {
    const [old] = list(before, 'conditions');
    const since =
      text(old, 'status') === next.status
        ? (text(old, 'lastTransitionTime') ?? this.#instant())
        : this.#instant();
    return [{ type: 'Ready', ...next, lastTransitionTime: since }];
  }

  /** The source is at this commit, and everything in it was looked at. */
  source(tip: string): void {
    const revision = `rendered@sha1:${tip}`;
    this.#reportSource(
      { status: 'True', reason: 'Succeeded', message: `stored artifact for revision '${revision}'` },
      { revision, lastUpdateTime: this.#instant() },
    );
  }

  /** What was applied last stays in force. */
  sourceFailed(message: string): void {
    this.#reportSource({ status: 'False', reason: 'GitOperationFailed', message });
  }

  #reportSource(condition: { status: string; reason: string; message: string }, artifact?: Json): void {
    const { store } = this;
    const object = store.apply({
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: { name: 'platform', namespace: 'flux-system', labels: MANAGED },
      spec: { interval: '2s', ref: { branch: 'rendered' }, url: 'file:///gitops.git' },
    });
    const before = record(object, 'status');
    store.setStatus(refOf(object), {
      ...before,
      observedGeneration: object.metadata.generation ?? 1,
      ...(artifact === undefined ? {} : { artifact }),
      conditions: this.#condition(before, condition),
    });
  }

  #instant(): string {
    return this.now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
  }
}

const kustomization = ({ namespace, name }: Folder): ObjectRef => ({
  kind: 'Kustomization',
  namespace,
  name,
});

const groupOf = ({ kind }: ObjectRef): string => KINDS.find((entry) => entry.kind === kind)?.group ?? '';

const versionOf = ({ kind }: ObjectRef): string => {
  const found = KINDS.find((entry) => entry.kind === kind);
  return found === undefined ? 'v1' : (apiVersionOf(found).split('/').at(-1) ?? 'v1');
};

/** Flux' form: `<namespace>_<name>_<group>_<kind>`. */
const inventoryId = (ref: ObjectRef): string =>
  `${ref.namespace ?? ''}_${ref.name}_${groupOf(ref)}_${ref.kind}`;
