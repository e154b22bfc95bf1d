import { k8s } from 'cdk8s-plus-28';
import type { PlatformDocument } from '../documents/index.js';
import { LABELS, PORTS } from '../names.js';

const { IntOrString } = k8s;

export interface NamedPolicy {
  readonly name: string;
  readonly spec: k8s.NetworkPolicySpec;
}

const port = (number: number, protocol = 'TCP'): k8s.NetworkPolicyPort => ({
  port: IntOrString.fromNumber(number),
  protocol,
});
const namespace = (name: string): k8s.LabelSelector => ({
  matchLabels: { 'kubernetes.io/metadata.name': name },
});
/** KubeBlocks' PostgreSQL brings it along. */
const PGBOUNCER = 6432;
const SANDBOX: k8s.LabelSelector = { matchLabels: { [LABELS.workload]: 'sandbox' } };
const DATABASE: k8s.LabelSelector = { matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks' } };

/**
 * Deny, then open exactly what is needed. Policies add up; there is no deny rule. A label selector cannot say "the
 * database of the same project", so within a tenant every sandbox reaches every database, each behind its password.
 */
export function tenantPolicies(platform: PlatformDocument['spec']): readonly NamedPolicy[] {
  return [
    { name: 'default-deny', spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
    { name: 'dns', spec: { podSelector: {}, policyTypes: ['Egress'], egress: [dns] } },
    { name: 'internet', spec: internet(platform.tenant.blockedEgress) },
    { name: 'sandbox-to-database', spec: sandboxToDatabase },
    { name: 'database', spec: database(platform) },
    { name: 'ingress-to-sandbox', spec: ingressToSandbox(platform) },
  ];
}

const dns: k8s.NetworkPolicyEgressRule = {
  to: [
    { namespaceSelector: namespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  ],
  ports: [port(53, 'UDP'), port(53)],
};

/** The ranges are written by family: an `except` has to lie within its `cidr`. */
function internet(blocked: readonly string[]): k8s.NetworkPolicySpec {
  const block = (cidr: string, except: readonly string[]): k8s.NetworkPolicyPeer => ({
    ipBlock: { cidr, ...(except.length > 0 ? { except: [...except] } : {}) },
  });
  return {
    podSelector: SANDBOX,
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          block(
            '0.0.0.0/0',
            blocked.filter((range) => !range.includes(':')),
          ),
          block(
            '::/0',
            blocked.filter((range) => range.includes(':')),
          ),
        ],
      },
    ],
  };
}

const sandboxToDatabase: k8s.NetworkPolicySpec = {
  podSelector: SANDBOX,
  policyTypes: ['Egress'],
  egress: [{ to: [{ podSelector: DATABASE }], ports: [port(PORTS.database), port(PGBOUNCER)] }],
};

/**
 * KubeBlocks' own needs: its operator, its peers, and Patroni's talk with the API server (reference, 1.9 and 6.6). Most
 * networks look at the API server's address after translation, so it cannot be named by its Service: where the platform
 * does not say where it is, its ports are open.
 */
function database({ tenant, database: offer }: PlatformDocument['spec']): k8s.NetworkPolicySpec {
  const apiServers = (tenant.apiServers ?? []).map((cidr) => ({ ipBlock: { cidr } }));
  const operator = namespace(offer.operatorNamespace ?? 'kb-system');
  return {
    podSelector: DATABASE,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: [{ podSelector: SANDBOX }], ports: [port(PORTS.database), port(PGBOUNCER)] },
      { from: [{ podSelector: DATABASE }, { namespaceSelector: operator }] },
    ],
    egress: [
      { to: [{ podSelector: DATABASE }] },
      { ports: [port(443), port(6443)], ...(apiServers.length === 0 ? {} : { to: apiServers }) },
    ],
  };
}

/** The ingress controller reaches every port of a sandbox: the Ingresses say which ones it passes on. */
const ingressToSandbox = ({ exposure, controller }: PlatformDocument['spec']): k8s.NetworkPolicySpec => ({
  podSelector: SANDBOX,
  policyTypes: ['Ingress'],
  ingress: [
    { from: [{ namespaceSelector: namespace(exposure.ingressNamespace) }] },
    { from: [{ namespaceSelector: namespace(controller.namespace) }], ports: [port(PORTS.terminal)] },
  ],
});
