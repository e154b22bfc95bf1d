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
  readonly namespace: string;
  readonly intent: string;
}

export const tenantContext = (
  platform: PlatformDocument,
  tenant: TenantDocument,
  intent: string,
): TenantContext => ({
  platform: platform.spec,
  namespace: tenant.metadata.name,
  intent,
});

const labels = { [LABELS.component]: 'tenant', [LABELS.managedBy]: MANAGED_BY };

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
    for (const { name, spec } of tenantPolicies(context.platform))
      new k8s.KubeNetworkPolicy(this, `policy-${name}`, { metadata: meta(context, name), spec });
    new k8s.KubeServiceAccount(this, 'service-account', {
      metadata: meta(context, 'sandbox'),
      automountServiceAccountToken: false,
    });
    this.#controllerRole(context);
  }

  /**
   * Sandboxes meet `restricted`; KubeBlocks' PostgreSQL runs as root and meets `baseline` only (reference, trap 5), so
   * that is what the namespace enforces. What falls short of `restricted` is warned about and audited.
   */
  #namespace(context: TenantContext): void {
    const level = 'pod-security.kubernetes.io';
    new k8s.KubeNamespace(this, 'namespace', {
      metadata: {
        name: context.namespace,
        labels: {
          ...labels,
          [`${level}/enforce`]: 'baseline',
          [`${level}/enforce-version`]: 'latest',
          [`${level}/audit`]: 'restricted',
          [`${level}/audit-version`]: 'latest',
          [`${level}/warn`]: 'restricted',
          [`${level}/warn-version`]: 'latest',
        },
        // A namespace that is pruned takes every volume in it along.
        annotations: { [ANNOTATIONS.intent]: context.intent, ...KEEP },
      },
    });
  }

  #limits(context: TenantContext): void {
    const { quota } = context.platform.tenant;
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
    // KubeBlocks adds side containers without limits; with a quota on limits each needs one.
    new k8s.KubeLimitRange(this, 'defaults', {
      metadata: meta(context, 'tenant'),
      spec: {
        limits: [
          {
            type: 'Container',
            default: { cpu: quantity('500m'), memory: quantity('512Mi') },
            defaultRequest: { cpu: quantity('50m'), memory: quantity('64Mi') },
          },
        ],
      },
    });
  }

  /** Terminal, files and database reveal go through the controller; this is all it may do in a tenant's namespace. */
  #controllerRole(context: TenantContext): void {
    const { namespace, serviceAccount } = context.platform.controller;
    const name = 'fullstackagent-controller';
    new k8s.KubeRole(this, 'controller-role', {
      metadata: meta(context, name),
      rules: [
        { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['pods/exec'], verbs: ['create', 'get'] },
        { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list'] },
      ],
    });
    new k8s.KubeRoleBinding(this, 'controller-binding', {
      metadata: meta(context, name),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace }],
    });
  }
}
