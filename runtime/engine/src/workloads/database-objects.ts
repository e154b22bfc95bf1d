import type { KubeObject, Manifest } from '../store/object.js';

/** The read-write Service that KubeBlocks makes for component `postgresql` of cluster `name`. */
export const databaseServiceName = (name: string): string => `${name}-postgresql-postgresql`;

export interface DatabaseAccess {
  readonly password: string;
  /** Port of this machine. */
  readonly port: number;
  readonly ready: boolean;
}

/** What KubeBlocks 1.0 makes of a Cluster that others rely on: the account's Secret, the Service, and where it is. */
export function databaseObjects(
  cluster: KubeObject,
  { password, port, ready }: DatabaseAccess,
): readonly Manifest[] {
  const { name, namespace = '', uid } = cluster.metadata;
  const service = databaseServiceName(name);
  const metadata = (object: string, labels: Record<string, string> = {}) => ({
    name: object,
    namespace,
    labels: {
      'app.kubernetes.io/managed-by': 'kubeblocks',
      'app.kubernetes.io/instance': name,
      'apps.kubeblocks.io/component-name': 'postgresql',
      ...labels,
    },
    ownerReferences: [{ apiVersion: cluster.apiVersion, kind: 'Cluster', name, uid, controller: true }],
  });
  const base64 = (value: string): string => Buffer.from(value, 'utf8').toString('base64');
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(service),
      spec: {
        type: 'ClusterIP',
        clusterIP: 'None',
        ports: [{ name: 'tcp-postgresql', port: 5432, protocol: 'TCP', targetPort: 5432 }],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata(service, { 'kubernetes.io/service-name': service }),
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready, serving: ready }, nodeName: 'local' }],
      ports: [{ name: 'tcp-postgresql', port, protocol: 'TCP' }],
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata(`${name}-postgresql-account-postgres`),
      type: 'Opaque',
      data: { username: base64('postgres'), password: base64(password) },
    },
  ];
}
