import { k8s } from 'cdk8s-plus-28';
import type { PlatformDocument, TenantDocument } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { LABELS, PORTS } from '../names.js';
import { EVERYWHERE, internet, outsideOfMetadata, type Allow } from './egress.js';

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
export const DATABASE_PORTS: readonly k8s.NetworkPolicyPort[] = [port(PORTS.database), port(PGBOUNCER)];
const API_SERVER_PORTS = [port(443), port(6443)];

const SANDBOX: k8s.LabelSelector = { matchLabels: { [LABELS.workload]: 'sandbox' } };
/** What people wrote: the sandboxes, and what is released from them. */
export const APPS: k8s.LabelSelector = {
  matchExpressions: [{ key: LABELS.workload, operator: 'In', values: ['release', 'sandbox'] }],
};
export const KUBEBLOCKS_POD: Labels = { 'app.kubernetes.io/managed-by': 'kubeblocks' };
const DATABASE: k8s.LabelSelector = { matchLabels: { ...KUBEBLOCKS_POD } };
/** The pods that KubeBlocks starts for a backup, or to bring one back. */
const BACKUP: k8s.LabelSelector = {
  matchLabels: { 'app.kubernetes.io/managed-by': 'kubeblocks-dataprotection' },
};

/** The label and the port of what answers an HTTP-01 challenge, for as long as it takes. */
const ACME_SOLVER: k8s.LabelSelector = { matchLabels: { 'acme.cert-manager.io/http01-solver': 'true' } };
const ACME_SOLVER_PORT = 8089;

/**
 * Deny, then open exactly what is needed. Policies add up; there is no deny rule. A label selector cannot say "of the same
 * project": which sandbox reaches which database is said with each project ({@link DatabaseAccessChart}).
 */
export function tenantPolicies(platform: Platform, tenant: TenantDocument['spec']): readonly NamedPolicy[] {
  const allow = tenant.egress?.allow;
  const outside = internet(platform.tenant.blockedEgress, allow);
  return [
    { name: 'default-deny', spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
    { name: 'dns', spec: egress({}, [dns]) },
    ...(outside === undefined ? [] : [{ name: 'internet', spec: egress(APPS, [{ to: [...outside] }]) }]),
    ...(platform.tenant.podSecurity === 'restricted' ? [] : databasePolicies(platform, allow)),
    { name: 'ingress-to-sandbox', spec: ingressToApps(platform) },
    ...(platform.exposure.tls.mode === 'cert-manager'
      ? [{ name: 'ingress-to-acme-solver', spec: ingressToSolver(platform) }]
      : []),
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

function databasePolicies(platform: Platform, allow: Allow): readonly NamedPolicy[] {
  const apiServer = toApiServer(platform, allow);
  return [
    {
      name: 'sandbox-to-database',
      spec: egress(APPS, [{ to: [{ podSelector: DATABASE }], ports: [...DATABASE_PORTS] }]),
    },
    { name: 'database', spec: database(platform, apiServer) },
    ...(platform.database.backup === undefined
      ? []
      : [{ name: 'database-backup', spec: backup(platform, apiServer) }]),
  ];
}

/**
 * Most networks look at the API server's address after translation, so it cannot be named by its Service. Who owns a
 * database is its superuser and can start programs beside it: what the database reaches, its owner reaches. So where the
 * platform does not say where the API server is, it is looked for where the tenant may go, and in the cluster's own networks.
 */
function toApiServer({ tenant }: Platform, allow: Allow): k8s.NetworkPolicyEgressRule {
  const to = apiServerPeers(tenant, allow);
  if (to.length === 0)
    throw new RenderError(
      'The platform does not say where the API server is (tenant.apiServers), and this tenant may not go everywhere.',
    );
  return { ports: API_SERVER_PORTS, to: [...to] };
}

function apiServerPeers(
  { apiServers = [], blockedEgress }: Platform['tenant'],
  allow: Allow,
): readonly k8s.NetworkPolicyPeer[] {
  if (apiServers.length > 0) return apiServers.map((cidr) => ({ ipBlock: { cidr } }));
  const goesEverywhere = allow === undefined && internet(blockedEgress, allow) !== undefined;
  return outsideOfMetadata(
    goesEverywhere ? EVERYWHERE : blockedEgress.filter((range) => !EVERYWHERE.includes(range)),
  );
}

/** KubeBlocks' own needs: its operator, and Patroni's talk with its peers and the API server (reference, 1.9 and 6.6). */
function database(platform: Platform, apiServer: k8s.NetworkPolicyEgressRule): k8s.NetworkPolicySpec {
  const operator = namespace(platform.database.operatorNamespace ?? 'kb-system');
  return {
    podSelector: DATABASE,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: [{ namespaceSelector: operator }] },
      ...(platform.database.backup === undefined
        ? []
        : [{ from: [{ podSelector: BACKUP }], ports: [...DATABASE_PORTS] }]),
    ],
    egress: [{ to: [{ podSelector: DATABASE }] }, apiServer],
  };
}

/** It reads a database, tells the API server how it went, and writes to where backups are kept. */
function backup(platform: Platform, apiServer: k8s.NetworkPolicyEgressRule): k8s.NetworkPolicySpec {
  const storage = platform.database.backup?.storage;
  const outside = internet(platform.tenant.blockedEgress, undefined);
  const somewhere = outside === undefined ? [] : [{ to: [...outside], ports: [port(443)] }];
  return egress(BACKUP, [
    { to: [{ podSelector: DATABASE }], ports: [...DATABASE_PORTS] },
    apiServer,
    ...(storage === undefined ? somewhere : [{ to: storage.map((cidr) => ({ ipBlock: { cidr } })) }]),
  ]);
}

/** The ingress controller reaches every port: the Ingresses say which ones it passes on. */
const ingressToApps = ({ exposure }: Platform): k8s.NetworkPolicySpec =>
  ingress(APPS, [{ from: [{ namespaceSelector: namespace(exposure.ingressNamespace) }] }]);

const ingressToSolver = ({ exposure }: Platform): k8s.NetworkPolicySpec =>
  ingress(ACME_SOLVER, [
    {
      from: [{ namespaceSelector: namespace(exposure.ingressNamespace) }],
      ports: [port(ACME_SOLVER_PORT)],
    },
  ]);

/** Exec needs no opening: it goes through the API server to the node. */
const controllerToTerminal = ({ controller }: Platform): k8s.NetworkPolicySpec =>
  ingress(SANDBOX, [
    { from: [podsIn(controller.namespace, controller.podLabels)], ports: [port(PORTS.terminal)] },
  ]);

const sandboxToPortal = (portal: NonNullable<Platform['portal']>): k8s.NetworkPolicySpec =>
  egress(SANDBOX, [{ to: [podsIn(portal.namespace, portal.podLabels)], ports: [port(portal.port)] }]);
