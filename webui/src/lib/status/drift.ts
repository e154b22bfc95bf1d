import type { DriftDifferenceDto, DriftedObjectDto, DriftDto } from '@fullstackagent/controller/contract';

export const stateText: Readonly<Record<DriftedObjectDto['state'], string>> = {
  changed: 'Changed on the cluster',
  missing: 'Not on the cluster',
  behind: 'Of an older version',
  extra: 'On the cluster only: no commit asks for it',
  unreadable: 'May not be read',
};

export const howText: Readonly<Record<DriftDifferenceDto['how'], string>> = {
  changed: 'changed',
  removed: 'taken away',
  added: 'added',
};

/** What was found, in a sentence. */
export function summaryOf({ objects, compared }: DriftDto): string {
  const whole = `${compared} ${compared === 1 ? 'object' : 'objects'}`;
  if (compared === 0) return 'Nothing is rendered yet.';
  if (objects.length === 0) return `All ${whole} are on the cluster as they are on branch rendered.`;
  return `${objects.length} of ${whole} ${objects.length === 1 ? 'differs' : 'differ'}.`;
}

/** Whoever applies the manifests comes last: a field that somebody else owns too was changed by them. */
export function changedBy({ by }: DriftDifferenceDto): string {
  const other = by.find(({ applier }) => !applier);
  if (other !== undefined) return `by ${other.manager}`;
  const [applier] = by;
  return applier === undefined
    ? 'the cluster does not tell by whom'
    : `on the way from ${applier.manager} to the cluster`;
}

/** When, of the one that {@link changedBy} names. */
export const changedAt = ({ by }: DriftDifferenceDto): string | undefined =>
  (by.find(({ applier }) => !applier) ?? by[0])?.at;

/** What a difference means, where its path alone tells only those who know Kubernetes well. */
export function meaningOf({ path, how }: DriftDifferenceDto): string | undefined {
  if (how !== 'removed' || !/(?:^|\.)spec\.hostUsers$/.test(path)) return undefined;
  return 'The cluster does not take this field: user namespaces for pods are newer than its API server, or turned off there (feature UserNamespacesSupport; on by default since Kubernetes 1.33). The sandbox runs without one, and with the wider rights that go with it: its users are users of the node. An operator turns them on, or takes sandbox.userNamespaces out of platform.yaml.';
}
