import type { k8s } from 'cdk8s-plus-28';
import type { TenantDocument } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { covers, isIpv6, throughNat64, withoutCovered } from './ranges.js';

/** What a tenant says of where it may go; absent: everywhere outside. */
export type Allow = NonNullable<TenantDocument['spec']['egress']>['allow'] | undefined;

/**
 * Where clouds hand out a machine's identity. Blocked whatever the platform says: one forgotten line must not give every
 * sandbox the node's rights. Link-local (AWS, Azure, Google, OpenStack), by IPv6 of AWS, Google and Oracle, Alibaba,
 * Azure's wire server.
 */
export const METADATA: readonly string[] = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  'fd00:c1::a9fe:a9fe/128',
  '100.100.100.200/32',
  '168.63.129.16/32',
];

export const EVERYWHERE: readonly string[] = ['0.0.0.0/0', '::/0'];

/** Where a network translates, an IPv4 address has a second name. */
const withTranslated = (ranges: readonly string[]): readonly string[] =>
  withoutCovered([...ranges, ...ranges.filter((range) => !isIpv6(range)).map(throughNat64)]);

/** An `except` has to lie within its `cidr`, and not be all of it. */
function peersWithout(
  allowed: readonly string[],
  never: readonly string[],
): readonly k8s.NetworkPolicyPeer[] {
  return allowed.map((cidr) => {
    const except = never.filter((range) => isIpv6(range) === isIpv6(cidr) && covers(cidr, range));
    return { ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) } };
  });
}

/**
 * What is outside and allowed, less what is blocked; nothing where a tenant is to reach nothing. Throws
 * {@link RenderError} where what is allowed is blocked.
 */
export function internet(
  blocked: readonly string[],
  allow: Allow,
): readonly k8s.NetworkPolicyPeer[] | undefined {
  if (allow === 'none') return undefined;
  const never = withTranslated([...blocked, ...METADATA]);
  const isBlocked = (cidr: string): boolean => never.some((range) => covers(range, cidr));
  const refused = allow?.find(isBlocked);
  if (refused !== undefined)
    throw new RenderError(`The platform blocks ${refused}, so a tenant cannot allow it.`);
  const peers = peersWithout(allow ?? EVERYWHERE.filter((cidr) => !isBlocked(cidr)), never);
  // A rule whose list of peers is empty would open everything.
  return peers.length === 0 ? undefined : peers;
}

/** These ranges, less the addresses that hand out a machine's identity. May be empty. */
export function outsideOfMetadata(ranges: readonly string[]): readonly k8s.NetworkPolicyPeer[] {
  const never = withTranslated(METADATA);
  return peersWithout(
    withoutCovered(ranges).filter((cidr) => !never.some((range) => covers(range, cidr))),
    never,
  );
}
