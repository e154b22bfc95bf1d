import { covers } from '../charts/ranges.js';

type Labels = Readonly<Record<string, string>>;

interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}
interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
}
export interface NetworkPolicy {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly podSelector: LabelSelector;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

/** A pod, or an address that none of the cluster's pods has: then it has no namespace. */
export interface Endpoint {
  readonly ip: string;
  readonly namespace?: string;
  readonly labels?: Labels;
}

export interface Connection {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP';
}

/**
 * Whether these policies let a connection through, as Kubernetes defines it: both ends have to agree, an end that no
 * policy selects agrees to all, policies add up. A pod is also an address: `ipBlock` matches it, as with most networks.
 */
export function isLetThrough(policies: readonly NetworkPolicy[], connection: Connection): boolean {
  const { from, to } = connection;
  return (
    agrees(policies, { own: from, other: to, type: 'Egress' }, connection) &&
    agrees(policies, { own: to, other: from, type: 'Ingress' }, connection)
  );
}

interface End {
  readonly own: Endpoint;
  readonly other: Endpoint;
  readonly type: 'Ingress' | 'Egress';
}

function agrees(policies: readonly NetworkPolicy[], { own, other, type }: End, on: Connection): boolean {
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === own.namespace &&
      spec.policyTypes.includes(type) &&
      selects(spec.podSelector, own.labels),
  );
  if (selecting.length === 0) return true;
  return selecting.some(({ spec }) =>
    (type === 'Egress' ? (spec.egress ?? []) : (spec.ingress ?? [])).some((rule) => {
      const peers = type === 'Egress' ? rule.to : rule.from;
      const { ports } = rule;
      const isPort = ports?.some(
        ({ port, protocol }) => port === on.port && protocol === (on.protocol ?? 'TCP'),
      );
      const isPeer = peers?.some((peer) => matches(peer, other, own.namespace ?? ''));
      // A list that is not there, or is empty, is no limit.
      return (ports?.length ? isPort === true : true) && (peers?.length ? isPeer === true : true);
    }),
  );
}

function matches(
  { podSelector, namespaceSelector, ipBlock }: Peer,
  end: Endpoint,
  policyIn: string,
): boolean {
  if (ipBlock !== undefined) {
    const single = `${end.ip}/${end.ip.includes(':') ? 128 : 32}`;
    return covers(ipBlock.cidr, single) && !(ipBlock.except ?? []).some((range) => covers(range, single));
  }
  if (end.namespace === undefined) return false;
  const isThere =
    namespaceSelector === undefined
      ? end.namespace === policyIn
      : selects(namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace });
  return isThere && (podSelector === undefined || selects(podSelector, end.labels));
}

const selects = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels = {}): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    if (operator !== 'In') throw new Error(`The operator ${operator} is not used here.`);
    return values.includes(labels[key] ?? '');
  });
