import type { Logger } from 'pino';
import { list, number, record, text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';
import type { PortAllocator } from './ports.js';
import { isReady } from './statefulsets.js';

/** Who has a port of this machine: a pod's container port, or a database. */
export const podPortOwner = (namespace: string, pod: string, port: number): string =>
  `${namespace}/${pod}:${port}`;

/**
 * Service to EndpointSlice, which says where a Service really is: 127.0.0.1 and a port of this machine. A Service
 * without a selector (a database's) gets its slice from whoever made it.
 */
export class EndpointController implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    private readonly ports: PortAllocator,
    log: Pick<Logger, 'error'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'endpoints', log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ object }: Change): void {
    const { namespace, name } = object.metadata;
    if (object.kind === 'Service') this.#queue.add(keyOfName(namespace, name));
    if (object.kind !== 'Pod') return;
    for (const service of this.store.list('Service', namespace))
      if (selects(service, object)) this.#queue.add(keyOfName(namespace, service.metadata.name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #reconcile(key: string): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const service = this.store.get({ kind: 'Service', namespace, name });
    const slice = { kind: 'EndpointSlice', namespace, name };
    if (service === undefined) this.store.remove(slice);
    else if (hasSelector(service)) this.#align(service);
    return Promise.resolve();
  }

  #align(service: KubeObject): void {
    const { namespace = '', name, uid } = service.metadata;
    const found = this.store.list('Pod', namespace).filter((pod) => selects(service, pod));
    // While one pod takes the place of another, the one that answers is asked.
    const pods = [...found].sort((a, b) => Number(isReady(b)) - Number(isReady(a)));
    const [pod] = pods;
    const ports =
      pod === undefined ? [] : list(service, 'spec', 'ports').flatMap((port) => this.#portOf(pod, port));
    this.store.apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name,
        namespace,
        labels: { 'kubernetes.io/service-name': name },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true }],
      },
      addressType: 'IPv4',
      endpoints: pods.slice(0, 1).map((entry) => ({
        addresses: ['127.0.0.1'],
        conditions: { ready: isReady(entry), serving: isReady(entry) },
        targetRef: { kind: 'Pod', namespace, name: entry.metadata.name, uid: entry.metadata.uid },
        nodeName: 'local',
      })),
      ports,
    });
  }

  /** A port that has no owner yet has no address yet. */
  #portOf(pod: KubeObject, servicePort: unknown): readonly object[] {
    const target = record(servicePort)['targetPort'] ?? number(servicePort, 'port');
    const declared = list(pod, 'spec', 'containers', 0, 'ports').find(
      (port) => text(port, 'name') === target || number(port, 'containerPort') === target,
    );
    const containerPort = number(declared, 'containerPort');
    if (containerPort === undefined) return [];
    const port = this.ports.find(
      podPortOwner(pod.metadata.namespace ?? '', pod.metadata.name, containerPort),
    );
    return port === undefined ? [] : [{ name: text(servicePort, 'name') ?? '', port, protocol: 'TCP' }];
  }
}

const hasSelector = (service: KubeObject): boolean =>
  Object.keys(record(service, 'spec', 'selector')).length > 0;

function selects(service: KubeObject, pod: KubeObject): boolean {
  const selector = Object.entries(record(service, 'spec', 'selector'));
  return selector.length > 0 && selector.every(([label, value]) => pod.metadata.labels?.[label] === value);
}
