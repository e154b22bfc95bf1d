import { list, number, record, text, type KubeObject } from '../store/object.js';

interface Column {
  readonly name: string;
  readonly type?: 'string' | 'integer';
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
  readonly value: (object: KubeObject) => string | number;
}

const field = (name: string, ...path: readonly (string | number)[]): Column => ({
  name,
  value: (object) => text(object, ...path) ?? '',
});

const wide = (column: Column): Column => ({ ...column, wide: true });

const condition =
  (type: string, key: string) =>
  (object: KubeObject): string => {
    const found = list(object, 'status', 'conditions').find((entry) => text(entry, 'type') === type);
    return text(found, key) ?? '';
  };

const count =
  (value: (object: KubeObject) => object): ((object: KubeObject) => number) =>
  (object) =>
    Object.keys(value(object)).length;

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Namespace: [{ name: 'Status', value: () => 'Active' }],
  Node: [{ name: 'Status', value: () => 'Ready' }, field('Version', 'status', 'nodeInfo', 'kubeletVersion')],
  Pod: [
    { name: 'Ready', value: (pod) => (condition('Ready', 'status')(pod) === 'True' ? '1/1' : '0/1') },
    { name: 'Status', value: podState },
    {
      name: 'Restarts',
      type: 'integer',
      value: (pod) => number(pod, 'status', 'containerStatuses', 0, 'restartCount') ?? 0,
    },
    wide(field('IP', 'status', 'podIP')),
    wide(field('Node', 'spec', 'nodeName')),
  ],
  StatefulSet: [
    {
      name: 'Ready',
      value: (set) =>
        `${number(set, 'status', 'readyReplicas') ?? 0}/${number(set, 'spec', 'replicas') ?? 1}`,
    },
    wide({
      name: 'Images',
      value: (set) =>
        list(set, 'spec', 'template', 'spec', 'containers')
          .map((container) => text(container, 'image'))
          .join(','),
    }),
  ],
  Deployment: [
    {
      name: 'Ready',
      value: (deployment) =>
        `${number(deployment, 'status', 'readyReplicas') ?? 0}/${number(deployment, 'spec', 'replicas') ?? 1}`,
    },
    {
      name: 'Up-to-date',
      type: 'integer',
      value: (deployment) => number(deployment, 'status', 'updatedReplicas') ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      value: (deployment) => number(deployment, 'status', 'availableReplicas') ?? 0,
    },
  ],
  Service: [
    field('Type', 'spec', 'type'),
    {
      name: 'Ports',
      value: (service) =>
        list(service, 'spec', 'ports')
          .map((port) => `${number(port, 'port') ?? ''}/${text(port, 'protocol') ?? 'TCP'}`)
          .join(','),
    },
  ],
  Endpoints: [
    {
      name: 'Endpoints',
      value: (endpoints) =>
        list(endpoints, 'subsets')
          .filter((subset) => list(subset, 'addresses').length > 0)
          .flatMap((subset) => list(subset, 'ports'))
          .map((port) => `127.0.0.1:${number(port, 'port') ?? ''}`)
          .join(','),
    },
  ],
  EndpointSlice: [
    {
      name: 'Endpoints',
      value: (slice) =>
        list(slice, 'ports')
          .map((port) => `127.0.0.1:${number(port, 'port') ?? ''}`)
          .join(','),
    },
  ],
  PersistentVolumeClaim: [
    field('Status', 'status', 'phase'),
    field('Volume', 'spec', 'volumeName'),
    field('Capacity', 'status', 'capacity', 'storage'),
    field('Access Modes', 'status', 'accessModes', 0),
    field('StorageClass', 'spec', 'storageClassName'),
  ],
  Ingress: [
    field('Class', 'spec', 'ingressClassName'),
    {
      name: 'Hosts',
      value: (ingress) =>
        list(ingress, 'spec', 'rules')
          .map((rule) => text(rule, 'host'))
          .join(','),
    },
  ],
  ConfigMap: [{ name: 'Data', type: 'integer', value: count((object) => record(object, 'data')) }],
  Secret: [
    field('Type', 'type'),
    { name: 'Data', type: 'integer', value: count((object) => record(object, 'data')) },
  ],
  SealedSecret: [{ name: 'Synced', value: condition('Synced', 'status') }],
  Cluster: [
    field('Cluster-Definition', 'spec', 'clusterDef'),
    field('Termination-Policy', 'spec', 'terminationPolicy'),
    field('Status', 'status', 'phase'),
  ],
  Backup: [
    field('Cluster', 'metadata', 'labels', 'app.kubernetes.io/instance'),
    field('Method', 'spec', 'backupMethod'),
    field('Status', 'status', 'phase'),
    field('Total-Size', 'status', 'totalSize'),
  ],
  Kustomization: [
    { name: 'Ready', value: condition('Ready', 'status') },
    { name: 'Status', value: condition('Ready', 'message') },
  ],
  GitRepository: [
    field('URL', 'spec', 'url'),
    { name: 'Ready', value: condition('Ready', 'status') },
    { name: 'Status', value: condition('Ready', 'message') },
  ],
  Event: [
    { name: 'Last Seen', value: (event) => age(text(event, 'lastTimestamp') ?? '') },
    field('Type', 'type'),
    field('Reason', 'reason'),
    {
      name: 'Object',
      value: (event) =>
        `${(text(event, 'involvedObject', 'kind') ?? '').toLowerCase()}/${text(event, 'involvedObject', 'name') ?? ''}`,
    },
    field('Message', 'message'),
  ],
};

function podState(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return (
    text(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason') ??
    text(pod, 'status', 'phase') ??
    'Pending'
  );
}

const wantsTable = /application\/json;[^,]*as=Table/;

export const asksForTable = (accept: string | undefined): boolean => wantsTable.test(accept ?? '');

export interface TableOptions {
  readonly resourceVersion: number;
  /** What the client wants along with each row: `None`, `Metadata` or `Object`. */
  readonly include: string;
}

/** What `kubectl get` prints, made by the server as Kubernetes does. */
export function table(kind: string, objects: readonly KubeObject[], options: TableOptions): object {
  const columns = COLUMNS[kind] ?? [];
  const all: readonly Column[] = [
    { name: 'Name', value: ({ metadata }) => metadata.name },
    ...columns.filter(({ wide }) => wide !== true),
    { name: 'Age', value: ({ metadata }) => age(metadata.creationTimestamp) },
    ...columns.filter(({ wide }) => wide === true),
  ];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: String(options.resourceVersion) },
    columnDefinitions: all.map(({ name, type = 'string', wide }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide === true ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: all.map(({ value }) => value(object)),
      ...rowObject(object, options.include),
    })),
  };
}

function rowObject(object: KubeObject, include: string): object {
  if (include === 'None') return {};
  if (include === 'Object') return { object };
  return {
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
  };
}

/** As kubectl writes ages: 45s, 12m, 5h, 3d. */
function age(since: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
