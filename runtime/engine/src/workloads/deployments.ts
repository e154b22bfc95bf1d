import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { number, record, refOf, text, type KubeObject, type Manifest } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';
import { isReady } from './statefulsets.js';

const HASH = 'pod-template-hash';
const DEFAULT_GRACE_SECONDS = 30;

export const isOfDeployment = ({ metadata }: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ kind }) => kind === 'Deployment') === true;

/**
 * Deployment to Pods, without the ReplicaSets between. A pod of the template before goes when as many new ones answer as
 * are wanted: a release that does not come up leaves the one before it running.
 */
export class DeploymentController implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    log: Pick<Logger, 'error'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'deployments', log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ object }: Change): void {
    const { namespace, name, ownerReferences } = object.metadata;
    if (object.kind === 'Deployment') this.#queue.add(keyOfName(namespace, name));
    if (object.kind !== 'Pod') return;
    const owner = ownerReferences?.find(({ kind }) => kind === 'Deployment');
    if (owner !== undefined) this.#queue.add(keyOfName(namespace, owner.name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #reconcile(key: string): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const deployment = this.store.get({ kind: 'Deployment', namespace, name });
    const pods = this.#podsOf(namespace, name);
    if (deployment === undefined) for (const pod of pods) this.#end(pod);
    else this.#align(deployment, pods);
    return Promise.resolve();
  }

  #podsOf(namespace: string | undefined, name: string): readonly KubeObject[] {
    return this.store
      .list('Pod', namespace)
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.kind === 'Deployment' && owner.name === name),
      );
  }

  #align(deployment: KubeObject, pods: readonly KubeObject[]): void {
    const replicas = number(deployment, 'spec', 'replicas') ?? 1;
    const hash = hashOf(record(deployment, 'spec', 'template'));
    const wanted = Array.from({ length: replicas }, (_, index) => podName(deployment, hash, index));
    const isWanted = ({ metadata }: KubeObject): boolean =>
      wanted.includes(metadata.name) &&
      metadata.ownerReferences?.some(({ uid }) => uid === deployment.metadata.uid) === true;
    const there = new Set(pods.map(({ metadata }) => metadata.name));
    for (const name of wanted) if (!there.has(name)) this.store.apply(podOf(deployment, name, hash));
    const enough = pods.filter((pod) => isWanted(pod) && isReady(pod)).length >= replicas;
    for (const pod of pods) if (!isWanted(pod) && (enough || !isReady(pod))) this.#end(pod);
    this.#report(deployment, { replicas, hash });
  }

  #end(pod: KubeObject): void {
    const grace = number(pod, 'spec', 'terminationGracePeriodSeconds') ?? DEFAULT_GRACE_SECONDS;
    this.store.markDeleted(refOf(pod), grace);
  }

  #report(deployment: KubeObject, { replicas, hash }: { replicas: number; hash: string }): void {
    const { namespace, name } = deployment.metadata;
    const pods = this.#podsOf(namespace, name).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
    const ready = pods.filter(isReady).length;
    this.store.setStatus(refOf(deployment), {
      observedGeneration: deployment.metadata.generation ?? 1,
      replicas: pods.length,
      updatedReplicas: pods.filter(({ metadata }) => metadata.labels?.[HASH] === hash).length,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, replicas - ready),
      conditions: [{ type: 'Available', status: ready >= replicas ? 'True' : 'False' }],
    });
  }
}

const hashOf = (template: object): string =>
  createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);

const podName = ({ metadata }: KubeObject, hash: string, index: number): string =>
  `${metadata.name}-${hash}-${index}`;

function podOf(deployment: KubeObject, name: string, hash: string): Manifest {
  const template = record(deployment, 'spec', 'template');
  const { namespace } = deployment.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...(record(template, 'metadata', 'labels') as Record<string, string>), [HASH]: hash },
      annotations: record(template, 'metadata', 'annotations') as Record<string, string>,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: deployment.metadata.name,
          uid: deployment.metadata.uid,
          controller: true,
        },
      ],
    },
    spec: { ...record(template, 'spec'), nodeName: 'local', hostname: text({ name }, 'name') },
  };
}
