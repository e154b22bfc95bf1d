import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { PlatformDocument, TenantDocument } from '../documents/index.js';
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../names.js';
import { tenantPolicies } from './tenant-policies.js';

const { Quantity } = k8s;

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
        annotations: {
          [ANNOTATIONS.intent]: context.intent,
          [ANNOTATIONS.argoSyncOptions]: 'Prune=false,Delete=false',
          [ANNOTATIONS.fluxPrune]: 'disabled',
        },
      },
    });
  }

  #limits(context: TenantContext): void {
    const { quota } = context.platform.tenant;
    const quantity = (text: string): k8s.Quantity => Quantity.fromString(text);
    new k8s.KubeResourceQuota(this, 'quota', {
      metadata: meta(context, 'tenant'),
      spec: {
        hard: {
          'limits.cpu': quantity(quota.cpu),
          'limits.memory': quantity(quota.memory),
          'requests.storage': quantity(quota.storage),
          persistentvolumeclaims: Quantity.fromNumber(quota.volumes),
          pods: Quantity.fromNumber(quota.pods),
          'services.loadbalancers': Quantity.fromNumber(0),
          'services.nodeports': Quantity.fromNumber(0),
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
