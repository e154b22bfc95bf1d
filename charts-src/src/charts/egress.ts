import type { k8s } from 'cdk8s-plus-28';
import { RenderError } from '../errors.js';
import { covers, isIpv6, withoutCovered } from './ranges.js';

/**
 * Where clouds hand out a machine's identity. Blocked whatever the platform says: one forgotten line must not give every
 * sandbox the node's rights. Link-local (AWS, Azure, Google, OpenStack), AWS by IPv6, Alibaba, Azure's wire server.
 */
export const METADATA: readonly string[] = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254/128',
  '100.100.100.200/32',
  '168.63.129.16/32',
];

const EVERYWHERE: readonly string[] = ['0.0.0.0/0', '::/0'];

/**
 * What is outside and allowed, less what is blocked; nothing where a tenant is to reach nothing. An `except` has to lie
 * within its `cidr`, and not be all of it. Throws {@link RenderError} where what is allowed is blocked.
 */
export function internet(
  blocked: readonly string[],
  allow: 'none' | readonly string[] | undefined,
): readonly k8s.NetworkPolicyPeer[] | undefined {
  if (allow === 'none') return undefined;
  const never = withoutCovered([...blocked, ...METADATA]);
  const isBlocked = (cidr: string): boolean => never.some((range) => covers(range, cidr));
  const refused = allow?.find(isBlocked);
  if (refused !== undefined)
    throw new RenderError(`The platform blocks ${refused}, so a tenant cannot allow it.`);
  const peers = (allow ?? EVERYWHERE.filter((cidr) => !isBlocked(cidr))).map((cidr) => {
    const except = never.filter((range) => isIpv6(range) === isIpv6(cidr) && covers(cidr, range));
    return { ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) } };
  });
  // A rule whose list of peers is empty would open everything.
  return peers.length === 0 ? undefined : peers;
}
