/** A kind the engine serves, under the one version it serves it in. */
export interface Kind {
  readonly kind: string;
  /** `''` is the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  /** Part of what `kubectl get all` asks for. */
  readonly inAll?: boolean;
}

const core = (kind: string, plural: string, shortNames: readonly string[] = []): Kind => ({
  kind,
  group: '',
  version: 'v1',
  plural,
  namespaced: true,
  shortNames,
});

const clusterWide = (kind: Kind): Kind => ({ ...kind, namespaced: false });

const inAll = (kind: Kind): Kind => ({ ...kind, inAll: true });

const inGroup =
  (groupVersion: string) =>
  (kind: string, plural: string, shortNames: readonly string[] = []): Kind => {
    const [group = '', version = ''] = groupVersion.split('/');
    return { kind, group, version, plural, namespaced: true, shortNames };
  };

/** Everything the charts render, and what running it brings about. */
export const KINDS: readonly Kind[] = [
  clusterWide(core('Namespace', 'namespaces', ['ns'])),
  clusterWide(core('Node', 'nodes', ['no'])),
  inAll(core('Pod', 'pods', ['po'])),
  inAll(core('Service', 'services', ['svc'])),
  core('ConfigMap', 'configmaps', ['cm']),
  core('Secret', 'secrets'),
  core('PersistentVolumeClaim', 'persistentvolumeclaims', ['pvc']),
  core('ServiceAccount', 'serviceaccounts', ['sa']),
  core('Event', 'events', ['ev']),
  core('Endpoints', 'endpoints', ['ep']),
  core('ResourceQuota', 'resourcequotas', ['quota']),
  core('LimitRange', 'limitranges', ['limits']),
  inAll(inGroup('apps/v1')('StatefulSet', 'statefulsets', ['sts'])),
  inAll(inGroup('apps/v1')('Deployment', 'deployments', ['deploy'])),
  inGroup('autoscaling/v2')('HorizontalPodAutoscaler', 'horizontalpodautoscalers', ['hpa']),
  inGroup('policy/v1')('PodDisruptionBudget', 'poddisruptionbudgets', ['pdb']),
  inGroup('networking.k8s.io/v1')('Ingress', 'ingresses', ['ing']),
  inGroup('networking.k8s.io/v1')('NetworkPolicy', 'networkpolicies', ['netpol']),
  inGroup('rbac.authorization.k8s.io/v1')('Role', 'roles'),
  inGroup('rbac.authorization.k8s.io/v1')('RoleBinding', 'rolebindings'),
  inGroup('discovery.k8s.io/v1')('EndpointSlice', 'endpointslices'),
  inGroup('apps.kubeblocks.io/v1')('Cluster', 'clusters'),
  inGroup('dataprotection.kubeblocks.io/v1alpha1')('Backup', 'backups'),
  inGroup('bitnami.com/v1alpha1')('SealedSecret', 'sealedsecrets'),
  inGroup('kustomize.toolkit.fluxcd.io/v1')('Kustomization', 'kustomizations', ['ks']),
  inGroup('source.toolkit.fluxcd.io/v1')('GitRepository', 'gitrepositories', ['gitrepo']),
];

const byKind = new Map(KINDS.map((kind) => [kind.kind, kind]));
const byPath = new Map(KINDS.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));

export const apiVersionOf = ({ group, version }: Kind): string =>
  group === '' ? version : `${group}/${version}`;

/** The kind of a manifest, or undefined where the engine does not serve it in this version. */
export function kindOf(apiVersion: string, kind: string): Kind | undefined {
  const found = byKind.get(kind);
  return found !== undefined && apiVersionOf(found) === apiVersion ? found : undefined;
}

export const kindAt = (group: string, version: string, plural: string): Kind | undefined =>
  byPath.get(`${group}/${version}/${plural}`);
