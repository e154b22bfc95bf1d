import { Applier, LastingObjects, RenderedBranch, Store } from '@fullstackagent/engine/follow';
import { removeFolder, temporaryFolder } from '../support/folders.js';

interface Inventory {
  readonly entries: readonly { readonly id: string; readonly v: string }[];
}

/** What the engine says of a project, in the object in which Flux says it. */
export interface Followed {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
    readonly lastAppliedRevision?: string;
    readonly lastAttemptedRevision?: string;
    readonly inventory?: Inventory;
  };
}

/** All that a project renders to on one machine. */
const PROJECT_KINDS = [
  ...['ConfigMap', 'PersistentVolumeClaim', 'Service', 'StatefulSet', 'Deployment', 'Ingress'],
  ...['HorizontalPodAutoscaler', 'PodDisruptionBudget', 'SealedSecret', 'Cluster'],
] as const;

const quiet = (): void => undefined;

/** The engine's applier on the repository that Flux follows too. Nothing is run: it applies to the engine's store. */
export class EngineFollower {
  readonly #folder = temporaryFolder('engine-follower');
  readonly #store = new Store({ now: () => new Date() });
  #applier: Applier | undefined;

  async start(repository: string): Promise<void> {
    const store = this.#store;
    // Who holds the data of a volume or a database removes the object when that is gone.
    store.onChange(({ type, object: { kind, metadata } }) => {
      if (type === 'MODIFIED' && metadata.deletionTimestamp !== undefined)
        queueMicrotask(() => {
          store.remove({ kind, namespace: metadata.namespace, name: metadata.name });
        });
    });
    this.#applier = new Applier({
      branch: new RenderedBranch(repository),
      store,
      lasting: await LastingObjects.open(this.#folder),
      now: () => new Date(),
      log: { info: quiet, warn: quiet, error: quiet },
    });
    this.#applier.start();
  }

  async stop(): Promise<void> {
    await this.#applier?.stop();
    removeFolder(this.#folder);
  }

  /** The commit that it has looked at. */
  get revision(): string | undefined {
    const source = this.#store.get({ kind: 'GitRepository', namespace: 'flux-system', name: 'platform' });
    return (source as { status?: { artifact?: { revision?: string } } } | undefined)?.status?.artifact
      ?.revision;
  }

  kustomization(namespace: string, name: string): Followed | undefined {
    return this.#store.get({ kind: 'Kustomization', namespace, name }) as Followed | undefined;
  }

  /** The labels and annotations of what it has applied for the projects of a namespace, by kind and name. */
  objectsIn(namespace: string): ReadonlyMap<string, object> {
    return new Map(
      PROJECT_KINDS.flatMap((kind) => this.#store.list(kind, namespace))
        .filter(({ metadata }) => metadata.labels?.['fullstackagent.dev/project'] !== undefined)
        .map(({ kind, metadata: { name, labels = {}, annotations = {} } }) => [
          `${kind}/${name}`,
          { labels, annotations },
        ]),
    );
  }
}
