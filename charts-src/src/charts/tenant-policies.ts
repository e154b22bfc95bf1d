import { k8s } from 'cdk8s-plus-28';
import type { PlatformDocument, TenantDocument } from '../documents/index.js';
import { LABELS, PORTS } from '../names.js';
import { internet } from './egress.js';

const { IntOrString } = k8s;

export interface NamedPolicy {
  readonly name: string;
  readonly spec: k8s.NetworkPolicySpec;
}

type Platform = PlatformDocument['spec'];
type Labels = Readonly<Record<string, string>>;

const port = (number: number, protocol = 'TCP'): k8s.NetworkPolicyPort => ({
  port: IntOrString.fromNumber(number),
  protocol,
});
const namespace = (name: string): k8s.LabelSelector => ({
  matchLabels: { 'kubernetes.io/metadata.name': name },
});
/** Pods of another namespace; all of them where no labels are said. */
const podsIn = (name: string, labels: Labels | undefined): k8s.NetworkPolicyPeer => ({
  namespaceSelector: namespace(name),
  ...(labels === undefined ? {} : { podSelector: { matchLabels: { ...labels } } }),
});
/** KubeBlocks' PostgreSQL brings it along. */
const PGBOUNCER = 6432;
const DATABASE_PORTS = [port(PORTS.database), port(PGBOUNCER)];
const API_SERVER_PORTS = [port(443), port(6443)];

const SANDBOX: k8s.LabelSelector = { matchLabels: { [LABELS.workload]: 'sandbox' } };
/** What people wrote: the sandboxes, and what is released from them. */
const APPS: k8s.LabelSelector = {
  matchExpressions: [{ key: LABELS.workload, operator: 'In', values: ['release', 'sandbox'] }],
};
const DATABASE: k8s.LabelSelector = { matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks' } };
/** The pods that KubeBlocks starts for a backup, or to bring one back. */
const BACKUP: k8s.LabelSelector = {
  matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks-dataprotection' },
};

/**
 * Deny, then open exactly what is needed. Policies add up; there is no deny rule. A label selector cannot say "the
 * database of the same project", so within a tenant every sandbox reaches every database, each behind its password.
 */
export function tenantPolicies(platform: Platform, tenant: TenantDocument['spec']): readonly NamedPolicy[] {
  const outside = internet(platform.tenant.blockedEgress, tenant.egress?.allow);
  return [
    { name: 'default-deny', spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
    { name: 'dns', spec: egress({}, [dns]) },
    ...(outside === undefined ? [] : [{ name: 'internet', spec: egress(APPS, [{ to: [...outside] }]) }]),
    {
      name: 'sandbox-to-database',
      spec: egress(APPS, [{ to: [{ podSelector: DATABASE }], ports: DATABASE_PORTS }]),
    },
    { name: 'database', spec: database(platform) },
    ...(platform.database.backup === undefined
      ? []
      : [{ name: 'database-backup', spec: backup(platform, platform.database.backup.storage) }]),
    { name: 'ingress-to-sandbox', spec: ingressToApps(platform) },
    { name: 'controller-to-terminal', spec: controllerToTerminal(platform) },
    ...(platform.portal === undefined
      ? []
      : [{ name: 'sandbox-to-portal', spec: sandboxToPortal(platform.portal) }]),
  ];
}

const egress = (
  podSelector: k8s.LabelSelector,
  rules: k8s.NetworkPolicyEgressRule[],
): k8s.NetworkPolicySpec => ({ podSelector, policyTypes: ['Egress'], egress: rules });

const ingress = (
  podSelector: k8s.LabelSelector,
  rules: k8s.NetworkPolicyIngressRule[],
): k8s.NetworkPolicySpec => ({ podSelector, policyTypes: ['Ingress'], ingress: rules });

const dns: k8s.NetworkPolicyEgressRule = {
  to: [
    { namespaceSelector: namespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  ],
  ports: [port(53, 'UDP'), port(53)],
};

/**
 * Most networks look at the API server's address after translation, so it cannot be named by its Service: where the
 * platform does not say where it is, its ports are open.
 */
const toApiServer = ({ tenant }: Platform): k8s.NetworkPolicyEgressRule => {
  const to = (tenant.apiServers ?? []).map((cidr) => ({ ipBlock: { cidr } }));
  return { ports: API_SERVER_PORTS, ...(to.length === 0 ? {} : { to }) };
};

/** KubeBlocks' own needs: its operator, its peers, and Patroni's talk with the API server (reference, 1.9 and 6.6). */
function database(platform: Platform): k8s.NetworkPolicySpec {
  const operator = namespace(platform.database.operatorNamespace ?? 'kb-system');
  return {
    podSelector: DATABASE,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: [{ podSelector: APPS }], ports: DATABASE_PORTS },
      { from: [{ podSelector: DATABASE }, { namespaceSelector: operator }] },
      ...(platform.database.backup === undefined
        ? []
        : [{ from: [{ podSelector: BACKUP }], ports: DATABASE_PORTS }]),
    ],
    egress: [{ to: [{ podSelector: DATABASE }] }, toApiServer(platform)],
  };
}

/** It reads a database, tells the API server how it went, and writes to where backups are kept. */
function backup(platform: Platform, storage: readonly string[] | undefined): k8s.NetworkPolicySpec {
  const outside = internet(platform.tenant.blockedEgress, undefined);
  const somewhere = outside === undefined ? [] : [{ to: [...outside], ports: [port(443)] }];
  return egress(BACKUP, [
    { to: [{ podSelector: DATABASE }], ports: DATABASE_PORTS },
    toApiServer(platform),
    ...(storage === undefined ? somewhere : [{ to: storage.map((cidr) => ({ ipBlock: { cidr } })) }]),
  ]);
}

/** The ingress controller reaches every port: the Ingresses say which ones it passes on. */
const ingressToApps = ({ exposure }: Platform): k8s.NetworkPolicySpec =>
  ingress(APPS, [{ from: [{ namespaceSelector: namespace(exposure.ingressNamespace) }] }]);

/** Exec needs no opening: it goes through the API server to the node. */
const controllerToTerminal = ({ controller }: Platform): k8s.NetworkPolicySpec =>
  ingress(SANDBOX, [
    { from: [podsIn(controller.namespace, controller.podLabels)], ports: [port(PORTS.terminal)] },
  ]);

const sandboxToPortal = (portal: NonNullable<Platform['portal']>): k8s.NetworkPolicySpec =>
  egress(SANDBOX, [{ to: [podsIn(portal.namespace, portal.podLabels)], ports: [port(portal.port)] }]);
