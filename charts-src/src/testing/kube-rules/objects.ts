import { podTemplateOf, type GoldenObject } from '../golden-objects.js';
import { backends, references } from '../references.js';
import { fields, list, ofKind, specOf, type Fields, type Rule } from './rule.js';

/** KubeBlocks makes these for a Cluster of this name: a Secret for each account, a Service. */
const madeByKubeBlocks = (kind: string, name: string, all: readonly GoldenObject[]): boolean =>
  all.some(
    (object) =>
      object.kind === 'Cluster' &&
      kind === 'SealedSecret' &&
      name === `${object.metadata.name}-postgresql-account-postgres`,
  );

const pods = (all: readonly GoldenObject[]) =>
  all.flatMap((object) => {
    const template = podTemplateOf(object);
    return template === undefined ? [] : [{ object, template }];
  });

const isSelected = (labels: Readonly<Record<string, string>>, selector: Fields): boolean => {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
};

const selected = (all: readonly GoldenObject[], selector: unknown) =>
  pods(all).filter(({ template }) => isSelected(template.metadata.labels, fields(selector)));

const find = (all: readonly GoldenObject[], kind: unknown, name: unknown): GoldenObject | undefined =>
  all.find((object) => object.kind === kind && object.metadata.name === name);

const WORKLOADS = new Set(['Deployment', 'StatefulSet']);

/** Not of the whole cluster, and the one that a namespace is about itself. */
const NAMESPACELESS = new Set(['Namespace']);

const rulesOf = (object: GoldenObject): readonly Fields[] => list(object['rules']);
const strings = (value: unknown): readonly string[] => (value ?? []) as readonly string[];

const grants = (object: GoldenObject, resource: string, verbs: readonly string[]): boolean =>
  rulesOf(object).some(
    (rule) =>
      strings(rule['resources']).includes(resource) &&
      strings(rule['verbs']).some((verb) => verbs.includes(verb)),
  );

const WRITES = [
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'escalate',
  'bind',
  'impersonate',
  '*',
];

function targetPortIsThere(object: GoldenObject, all: readonly GoldenObject[]): boolean {
  const ports = list(specOf(object)['ports']);
  const containers = selected(all, specOf(object)['selector']).flatMap(
    ({ template }) => template.spec.containers,
  );
  // A number may be one that a person listens on later; a name has to be a container's.
  return ports.every(
    ({ targetPort }) =>
      typeof targetPort === 'number' ||
      containers.some((container) => list(container['ports']).some(({ name }) => name === targetPort)),
  );
}

function mountsWhatIsThere(object: GoldenObject): boolean {
  const template = podTemplateOf(object);
  if (template === undefined) return true;
  const names = new Set((template.spec.volumes ?? []).map(({ name }) => name));
  const mounted = template.spec.containers.flatMap((container) => list(container['volumeMounts']));
  const paths = mounted.map(({ mountPath }) => mountPath);
  return (
    mounted.every(({ name }) => names.has(name)) &&
    [...names].every((name) => mounted.some((mount) => mount['name'] === name)) &&
    new Set(paths).size === paths.length
  );
}

export const OBJECT_RULES: readonly Rule[] = [
  ofKind(
    'Service',
    'dangling-service',
    (object, all) => selected(all, specOf(object)['selector']).length === 1,
  ),
  ofKind('Service', 'invalid-target-ports', targetPortIsThere),
  ofKind('Service', 'exposed-services', (object) => specOf(object)['type'] === 'ClusterIP'),
  ofKind('Service', 'duplicate-service-port', (object) => {
    const ports = list(specOf(object)['ports']);
    return [ports.map(({ name }) => name), ports.map(({ port }) => port)].every(
      (values) => new Set(values).size === values.length,
    );
  }),
  ...['Ingress', 'HTTPRoute'].map((kind) =>
    ofKind(kind, kind === 'Ingress' ? 'dangling-ingress' : 'dangling-route', (object, all) => {
      const open = all.flatMap((other) =>
        other.kind === 'Service'
          ? list(specOf(other)['ports']).map(({ port }) => `${other.metadata.name}:${String(port)}`)
          : [],
      );
      const wanted = backends(object);
      return wanted.length > 0 && wanted.every((backend) => open.includes(backend));
    }),
  ),
  ofKind('Ingress', 'ingress-without-host', (object) =>
    list(specOf(object)['rules']).every(({ host }) => typeof host === 'string' && !host.includes('*')),
  ),
  ofKind('Ingress', 'ingress-snippets', (object) =>
    Object.keys(object.metadata.annotations ?? {}).every(
      (key) => !/snippet|rewrite|lua|backend-protocol/.test(key),
    ),
  ),
  ofKind('HorizontalPodAutoscaler', 'dangling-horizontalpodautoscaler', (object, all) => {
    const { kind, name } = fields(specOf(object)['scaleTargetRef']);
    return find(all, kind, name) !== undefined;
  }),
  ofKind('HorizontalPodAutoscaler', 'hpa-range', (object) => {
    const { minReplicas, maxReplicas } = specOf(object);
    return Number(minReplicas) >= 1 && Number(maxReplicas) >= Number(minReplicas);
  }),
  ofKind('HorizontalPodAutoscaler', 'hpa-needs-requests', (object, all) => {
    const { kind, name } = fields(specOf(object)['scaleTargetRef']);
    const target = find(all, kind, name);
    const template = target && podTemplateOf(target);
    return template?.spec.containers.every((one) => 'cpu' in fields(one.resources?.requests)) === true;
  }),
  ofKind(
    'PodDisruptionBudget',
    'dangling-poddisruptionbudget',
    (object, all) => selected(all, fields(specOf(object)['selector'])['matchLabels']).length === 1,
  ),
  ofKind('PodDisruptionBudget', 'pdb-max-unavailable', (object) => specOf(object)['maxUnavailable'] !== 0),
  ofKind(
    'PodDisruptionBudget',
    'pdb-min-available',
    (object) => specOf(object)['minAvailable'] === undefined,
  ),
  ofKind(
    'PodDisruptionBudget',
    'pdb-unhealthy-pod-eviction-policy',
    (object) => specOf(object)['unhealthyPodEvictionPolicy'] === 'AlwaysAllow',
  ),
  {
    name: 'mismatching-selector',
    faults: (object, all) => {
      if (!WORKLOADS.has(object.kind)) return [];
      const found = selected(all, fields(specOf(object)['selector'])['matchLabels']);
      return found.length === 1 && found[0]?.object === object ? [] : [''];
    },
  },
  ofKind('StatefulSet', 'dangling-service-name', (object, all) => {
    const service = find(all, 'Service', specOf(object)['serviceName']);
    return service !== undefined && specOf(service)['clusterIP'] === 'None';
  }),
  ofKind('Deployment', 'no-rolling-update-strategy', (object) => {
    const { type, rollingUpdate } = fields(specOf(object)['strategy']);
    return type === 'RollingUpdate' && fields(rollingUpdate)['maxUnavailable'] === 0;
  }),
  ofKind('Deployment', 'minimum-three-replicas', () => false),
  ofKind('Deployment', 'no-anti-affinity', (object) => {
    const spec = fields(podTemplateOf(object)?.spec);
    return spec['affinity'] !== undefined || spec['topologySpreadConstraints'] !== undefined;
  }),
  {
    name: 'non-existent-service-account',
    faults: (object, all) => {
      const template = podTemplateOf(object);
      if (template === undefined) return [];
      return find(all, 'ServiceAccount', template.spec['serviceAccountName']) === undefined ? [''] : [];
    },
  },
  {
    name: 'dangling-reference',
    faults: (object, all) =>
      references(podTemplateOf(object)).filter((wanted) => {
        const [kind = '', name = ''] = wanted.split(' ');
        return find(all, kind, name) === undefined && !madeByKubeBlocks(kind, name, all);
      }),
  },
  { name: 'volume-mounts', faults: (object) => (mountsWhatIsThere(object) ? [] : ['']) },
  {
    name: 'use-namespace',
    faults: ({ kind, metadata }) =>
      NAMESPACELESS.has(kind) || !['default', 'kube-system', undefined].includes(metadata.namespace)
        ? []
        : [''],
  },
  {
    name: 'no-extensions-v1beta',
    faults: ({ apiVersion }) => (/^extensions\/|beta/.test(apiVersion) ? [''] : []),
  },
  {
    name: 'cluster-scoped',
    faults: ({ kind }) =>
      /^Cluster(?:Role|RoleBinding)$|Webhook|^CustomResource|^PersistentVolume$/.test(kind) ? [''] : [],
  },
  ofKind('Secret', 'secret-in-the-clear', () => false),
  ofKind(
    'RoleBinding',
    'cluster-admin-role-binding',
    (object) => !['cluster-admin', 'admin', 'edit'].includes(String(fields(object['roleRef'])['name'])),
  ),
  ofKind('RoleBinding', 'binding-to-a-group', (object) =>
    list(object['subjects']).every(({ kind, name }) => kind === 'ServiceAccount' && name !== 'default'),
  ),
  ofKind(
    'Role',
    'access-to-secrets',
    (object) => !grants(object, 'secrets', ['get', 'list', 'watch', ...WRITES]),
  ),
  ofKind(
    'Role',
    'access-to-list-secrets',
    (object) => !grants(object, 'secrets', ['list', 'watch', ...WRITES]),
  ),
  ofKind('Role', 'access-to-create-pods', (object) => !grants(object, 'pods', ['create', '*'])),
  ofKind('Role', 'access-to-write', (object) =>
    rulesOf(object).every((rule) => strings(rule['verbs']).every((verb) => !WRITES.includes(verb))),
  ),
  ofKind('Role', 'wildcard-in-rules', (object) => !JSON.stringify(rulesOf(object)).includes('"*"')),
  ofKind('NetworkPolicy', 'open-network-policy', (object) =>
    ['ingress', 'egress'].every((key) =>
      list(specOf(object)[key]).every((rule) => {
        const peers = list(rule[key === 'ingress' ? 'from' : 'to']);
        return peers.length > 0 && peers.every((peer) => Object.keys(peer).length > 0);
      }),
    ),
  ),
];
