/**
 * What an API server writes into an object that does not say it, by kind: the defaulting functions of Kubernetes 1.28
 * to 1.35, and the defaults in the CRDs of Gateway API 1.x and KubeBlocks. A path ends at the field that is filled in; it
 * counts wherever what stands before it is there. `[]` is every item of a list.
 */
const POD: readonly string[] = [
  'restartPolicy',
  'dnsPolicy',
  'schedulerName',
  'terminationGracePeriodSeconds',
  'securityContext',
  'enableServiceLinks',
  ...['containers', 'initContainers'].flatMap((list) => [
    `${list}[].imagePullPolicy`,
    `${list}[].terminationMessagePath`,
    `${list}[].terminationMessagePolicy`,
    `${list}[].resources.requests`,
    `${list}[].ports[].protocol`,
    `${list}[].env[].valueFrom.fieldRef.apiVersion`,
    `${list}[].env[].valueFrom.resourceFieldRef.divisor`,
    ...['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((probe) => [
      ...['timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'].map(
        (field) => `${list}[].${probe}.${field}`,
      ),
      `${list}[].${probe}.httpGet.path`,
      `${list}[].${probe}.httpGet.scheme`,
    ]),
  ]),
  'volumes[].projected.defaultMode',
  'volumes[].configMap.defaultMode',
  'volumes[].secret.defaultMode',
  'volumes[].downwardAPI.defaultMode',
  'volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion',
];

const pod = POD.map((path) => `spec.template.spec.${path}`);

export const SERVER_DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  StatefulSet: [
    'spec.podManagementPolicy',
    'spec.revisionHistoryLimit',
    'spec.updateStrategy.type',
    'spec.updateStrategy.rollingUpdate.partition',
    'spec.persistentVolumeClaimRetentionPolicy.whenDeleted',
    'spec.persistentVolumeClaimRetentionPolicy.whenScaled',
    'spec.replicas',
    ...pod,
  ],
  // Not `replicas`: the HorizontalPodAutoscaler writes it (see its own test).
  Deployment: [
    'spec.progressDeadlineSeconds',
    'spec.revisionHistoryLimit',
    'spec.strategy.type',
    'spec.strategy.rollingUpdate.maxSurge',
    'spec.strategy.rollingUpdate.maxUnavailable',
    ...pod,
  ],
  Service: [
    'spec.type',
    'spec.sessionAffinity',
    'spec.internalTrafficPolicy',
    'spec.ipFamilyPolicy',
    'spec.ports[].protocol',
    'spec.ports[].targetPort',
  ],
  PersistentVolumeClaim: ['spec.volumeMode'],
  Ingress: ['spec.ingressClassName', 'spec.rules[].http.paths[].pathType'],
  NetworkPolicy: [
    'spec.policyTypes',
    'spec.ingress[].ports[].protocol',
    'spec.egress[].ports[].protocol',
    'spec.podSelector',
  ],
  HorizontalPodAutoscaler: ['spec.minReplicas', 'spec.metrics'],
  RoleBinding: ['roleRef.apiGroup'],
  LimitRange: ['spec.limits[].defaultRequest'],
  HTTPRoute: [
    'spec.parentRefs[].group',
    'spec.parentRefs[].kind',
    'spec.rules[].matches',
    'spec.rules[].matches[].path.type',
    'spec.rules[].matches[].path.value',
    'spec.rules[].backendRefs[].group',
    'spec.rules[].backendRefs[].kind',
    'spec.rules[].backendRefs[].weight',
  ],
  // By the CRD, and by what KubeBlocks writes back (reference, 1.2 and 1.3).
  'Cluster apps.kubeblocks.io/v1': [
    'spec.topology',
    'spec.componentSpecs[].componentDef',
    'spec.componentSpecs[].serviceVersion',
    'spec.componentSpecs[].replicas',
    'spec.componentSpecs[].podUpdatePolicy',
    ...backup(),
  ],
  'Cluster apps.kubeblocks.io/v1alpha1': [
    'spec.componentSpecs[].componentDef',
    'spec.componentSpecs[].serviceVersion',
    'spec.componentSpecs[].replicas',
    ...backup(),
  ],
  Kustomization: ['spec.force'],
  // No server fills in anything here.
  ConfigMap: [],
  Namespace: [],
  PodDisruptionBudget: [],
  ResourceQuota: [],
  Role: [],
  SealedSecret: [],
  ServiceAccount: [],
};

function backup(): readonly string[] {
  return ['enabled', 'retentionPeriod', 'pitrEnabled', 'incrementalBackupEnabled'].map(
    (field) => `spec.backup.${field}`,
  );
}

/**
 * What depends on the cluster, or is drawn by it, stays the server's: an applier that wrote it would be wrong on the next
 * cluster. All of it is left alone by a second apply, because nobody else's value is in the manifest.
 */
export const THE_SERVERS_OWN: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec.clusterIPs', 'spec.ipFamilies'],
  PersistentVolumeClaim: ['spec.volumeName'],
  // The name of `serviceAccountName` before Kubernetes 1.0; the server still writes both.
  StatefulSet: ['spec.template.spec.serviceAccount', 'spec.template.spec.nodeName'],
  Deployment: ['spec.template.spec.serviceAccount', 'spec.template.spec.nodeName'],
};

/** The paths, with the place in each list, at which the field is not there although what stands before it is. */
export function absent(value: unknown, path: string, at = ''): readonly string[] {
  const [head = '', ...rest] = path.split('.');
  const key = head.replace('[]', '');
  const here = at === '' ? key : `${at}.${key}`;
  if (typeof value !== 'object' || value === null) return [];
  const field = (value as Readonly<Record<string, unknown>>)[key];
  if (rest.length === 0) return field === undefined ? [here] : [];
  if (!head.endsWith('[]')) return absent(field, rest.join('.'), here);
  const items = Array.isArray(field) ? (field as unknown[]) : [];
  return items.flatMap((item, index) => absent(item, rest.join('.'), `${here}[${index}]`));
}
