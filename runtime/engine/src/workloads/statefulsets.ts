import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import {
  list,
  number,
  record,
  refOf,
  text,
  type KubeObject,
  type Manifest,
  type ObjectRef,
} from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';

const REVISION = 'controller-revision-hash';
const DEFAULT_GRACE_SECONDS = 30;

/**
 * StatefulSet to Pods: as many as it says, each of the template's current revision. A pod of another revision is
 * ended first and made again, so that nothing ever runs twice on one volume.
 */
export class StatefulSetController implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    log: Pick<Logger, 'error'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'statefulsets', log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ object }: Change): void {
    const { namespace, name, ownerReferences } = object.metadata;
    if (object.kind === 'StatefulSet') this.#queue.add(keyOfName(namespace, name));
    if (object.kind !== 'Pod') return;
    const owner = ownerReferences?.find(({ kind }) => kind === 'StatefulSet');
    if (owner !== undefined) this.#queue.add(keyOfName(namespace, owner.name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #reconcile(key: string): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const set = this.store.get({ kind: 'StatefulSet', namespace, name });
    const pods = this.store
      .list('Pod', namespace)
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.kind === 'StatefulSet' && owner.name === name),
      );
    if (set === undefined) for (const pod of pods) this.#end(pod);
    else this.#align(set, pods);
    return Promise.resolve();
  }

  #align(set: KubeObject, pods: readonly KubeObject[]): void {
    const replicas = number(set, 'spec', 'replicas') ?? 1;
    const template = record(set, 'spec', 'template');
    const revision = `${set.metadata.name}-${createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)}`;
    const wanted = Array.from({ length: replicas }, (_, ordinal) => `${set.metadata.name}-${ordinal}`);
    const stays = ({ metadata }: KubeObject): boolean =>
      wanted.includes(metadata.name) &&
      metadata.labels?.[REVISION] === revision &&
      metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid) === true;
    for (const pod of pods) if (!stays(pod)) this.#end(pod);
    const names = new Set(pods.map(({ metadata }) => metadata.name));
    for (const name of wanted) if (!names.has(name)) this.store.apply(podOf(set, name, revision));
    this.#report(set, revision);
  }

  #end(pod: KubeObject): void {
    const grace = number(pod, 'spec', 'terminationGracePeriodSeconds') ?? DEFAULT_GRACE_SECONDS;
    this.store.markDeleted(refOf(pod), grace);
  }

  #report(set: KubeObject, revision: string): void {
    const ref: ObjectRef = refOf(set);
    const pods = this.store
      .list('Pod', set.metadata.namespace)
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid));
    const current = pods.filter(({ metadata }) => metadata.labels?.[REVISION] === revision);
    const ready = pods.filter(isReady).length;
    const replicas = number(set, 'spec', 'replicas') ?? 1;
    const rolledOut = current.length === pods.length && ready >= replicas;
    this.store.setStatus(ref, {
      observedGeneration: set.metadata.generation ?? 1,
      replicas: pods.length,
      readyReplicas: ready,
      availableReplicas: ready,
      currentReplicas: current.length,
      updatedReplicas: current.length,
      updateRevision: revision,
      currentRevision: rolledOut ? revision : (text(set, 'status', 'currentRevision') ?? revision),
      collisionCount: 0,
    });
  }
}

export const isReady = (pod: KubeObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  list(pod, 'status', 'conditions').some(
    (condition) => text(condition, 'type') === 'Ready' && text(condition, 'status') === 'True',
  );

function podOf(set: KubeObject, name: string, revision: string): Manifest {
  const template = record(set, 'spec', 'template');
  const labels = record(template, 'metadata', 'labels') as Record<string, string>;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: { ...labels, [REVISION]: revision, 'statefulset.kubernetes.io/pod-name': name },
      annotations: record(template, 'metadata', 'annotations') as Record<string, string>,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'StatefulSet',
          name: set.metadata.name,
          uid: set.metadata.uid,
          controller: true,
        },
      ],
    },
    spec: { ...record(template, 'spec'), nodeName: 'local', hostname: name },
  };
}
