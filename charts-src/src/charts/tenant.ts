import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { PlatformDocument, TenantDocument } from '../documents/index.js';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../names.js';
import { KEEP } from './common.js';
import { canonicalSize } from './resources.js';
import { tenantPolicies } from './tenant-policies.js';

/** Always text, as the API server writes it back: `pods: "100"`, not `100`. */
const quantity = (text: string): k8s.Quantity => k8s.Quantity.fromString(text);

export interface TenantContext {
  readonly platform: PlatformDocument['spec'];
  readonly tenant: TenantDocument['spec'];
  readonly namespace: string;
  readonly intent: string;
}

export const tenantContext = (
  platform: PlatformDocument,
  tenant: TenantDocument,
  intent: string,
): TenantContext => ({
  platform: platform.spec,
  tenant: tenant.spec,
  namespace: tenant.metadata.name,
  intent,
});

/** The account that an applier impersonates in a tenant's namespace. */
export const APPLIER = 'applier';

const RULES: readonly k8s.PolicyRule[] = [
  // What a project renders to, read one by one when somebody asks what differs on the cluster.
  { apiGroups: [''], resources: ['configmaps', 'persistentvolumeclaims', 'services'], verbs: ['get'] },
  { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['get'] },
  { apiGroups: ['apps.kubeblocks.io'], resources: ['clusters'], verbs: ['get'] },
  { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['get'] },
  { apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['get'] },
  { apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: ['get'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get'] },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['get'] },
  // The backups that KubeBlocks made of a database.
  { apiGroups: ['dataprotection.kubeblocks.io'], resources: ['backups'], verbs: ['list'] },
  // Files. A WebSocket begins with GET; since Kubernetes 1.35 it needs `create` as well.
  { apiGroups: [''], resources: ['pods/exec'], verbs: ['create', 'get'] },
  // The terminal's token, and a database's password when its owner asks for it.
  { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
  // Where a terminal listens.
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
];

/** Without the fields that are not there: they would hide the platform's. */
const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

const labels = {
  [LABELS.component]: 'tenant',
  [LABELS.managedBy]: MANAGED_BY,
  [LABELS.name]: 'tenant',
  [LABELS.partOf]: MANAGED_BY,
};

const meta = (context: TenantContext, name: string) => ({
  name,
  namespace: context.namespace,
  labels,
  annotations: { [ANNOTATIONS.intent]: context.intent },
});

/** What belongs to the operators in a tenant's namespace: isolation, limits, and what the controller may do there. */
export class TenantChart extends Chart {
  constructor(scope: Construct, id: string, context: TenantContext) {
    super(scope, id, { disableResourceNameHashes: true });
    this.#namespace(context);
    this.#limits(context);
    for (const { name, spec } of tenantPolicies(context.platform, context.tenant))
      new k8s.KubeNetworkPolicy(this, `policy-${name}`, { metadata: meta(context, name), spec });
    // The pods' own have no right at all, and no pod gets a token.
    for (const name of [APPLIER, 'release', 'sandbox'])
      new k8s.KubeServiceAccount(this, `service-account-${name}`, {
        metadata: meta(context, name),
        automountServiceAccountToken: false,
      });
    this.#controllerRole(context);
    this.#applierBinding(context);
  }

  /**
   * Sandboxes meet `restricted`; KubeBlocks' PostgreSQL runs as root and meets `baseline` only (reference, trap 5), so
   * that is what the namespace enforces, unless the platform does without databases. What falls short of `restricted` is warned about and audited.
   */
  #namespace(context: TenantContext): void {
    const level = 'pod-security.kubernetes.io';
    new k8s.KubeNamespace(this, 'namespace', {
      metadata: {
        name: context.namespace,
        labels: {
          ...labels,
          [`${level}/enforce`]: context.platform.tenant.podSecurity ?? 'baseline',
          [`${level}/enforce-version`]: 'latest',
          [`${level}/audit`]: 'restricted',
          [`${level}/audit-version`]: 'latest',
          // What an operator has chosen is no news at every apply; the audit log still counts it.
          [`${level}/warn`]:
            context.platform.sandbox.userNamespaces === undefined ? 'restricted' : 'baseline',
          [`${level}/warn-version`]: 'latest',
        },
        // A namespace that is pruned takes every volume in it along.
        annotations: { [ANNOTATIONS.intent]: context.intent, ...KEEP },
      },
    });
  }

  #limits(context: TenantContext): void {
    const own = context.tenant.quota ?? {};
    const quota = { ...context.platform.tenant.quota, ...defined(own) };
    new k8s.KubeResourceQuota(this, 'quota', {
      metadata: meta(context, 'tenant'),
      spec: {
        hard: {
          'limits.cpu': quantity(quota.cpu),
          'limits.memory': quantity(canonicalSize(quota.memory)),
          'requests.storage': quantity(canonicalSize(quota.storage)),
          persistentvolumeclaims: quantity(`${quota.volumes}`),
          pods: quantity(`${quota.pods}`),
          'services.loadbalancers': quantity('0'),
          'services.nodeports': quantity('0'),
        },
      },
    });
    // With a quota on limits every container needs one; KubeBlocks gives its side containers a limit of 0, so there must be
    // no minimum. Who owns a database can write files beside it: not more of the node's disk than this. KubeBlocks compares
    // a pod's processor and memory with what it wants, and nothing else: what is filled in here is no difference to it.
    new k8s.KubeLimitRange(this, 'defaults', {
      metadata: meta(context, 'tenant'),
      spec: {
        limits: [
          {
            type: 'Container',
            default: {
              cpu: quantity('500m'),
              'ephemeral-storage': quantity('10Gi'),
              memory: quantity('512Mi'),
            },
            defaultRequest: {
              cpu: quantity('50m'),
              'ephemeral-storage': quantity('64Mi'),
              memory: quantity('64Mi'),
            },
          },
        ],
      },
    });
  }

  /**
   * All that the controller may do in a tenant's namespace beyond what it watches in all of them (ClusterRole
   * `fullstackagent-controller` in the template). It changes nothing here: what is desired is a commit.
   *
   * RBAC knows no patterns, so the Secrets of database accounts and terminals, which come and go with projects, cannot be
   * named. Bounded are: the verb (`get`: who cannot list has to know a name), the namespace, and in the controller the two
   * names that it derives from a project it has authorised.
   */
  #controllerRole(context: TenantContext): void {
    const { namespace, serviceAccount } = context.platform.controller;
    const name = 'fullstackagent-controller';
    new k8s.KubeRole(this, 'controller-role', { metadata: meta(context, name), rules: [...RULES] });
    new k8s.KubeRoleBinding(this, 'controller-binding', {
      metadata: meta(context, name),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
    });
  }

  /**
   * What Flux and Argo CD are, while they apply a project's folder: no more than the kinds that a project renders to, and
   * in this namespace only. The ClusterRole comes with the template of the repository.
   */
  #applierBinding(context: TenantContext): void {
    new k8s.KubeRoleBinding(this, 'applier-binding', {
      metadata: meta(context, APPLIER),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'fullstackagent-applier' },
      subjects: [{ kind: 'ServiceAccount', name: APPLIER, namespace: context.namespace }],
    });
  }
}
