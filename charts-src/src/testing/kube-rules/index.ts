import type { GoldenObject } from '../golden-objects.js';
import { OBJECT_RULES } from './objects.js';
import { POD_RULES } from './pods.js';
import type { Rule } from './rule.js';

export type { Rule } from './rule.js';

export const RULES: readonly Rule[] = [...POD_RULES, ...OBJECT_RULES];

/** What is so on purpose: `what` is `<kind> <name>`, with `/<what in it>` where that is more than the object. */
export interface Exception {
  readonly rule: string;
  readonly what: RegExp;
  readonly reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'no-read-only-root-fs',
    what: /^StatefulSet .*\/sandbox$/,
    reason:
      'A person installs things in a sandbox, and tools write where they like. Its use of the disk has a limit.',
  },
  {
    rule: 'privilege-escalation-container',
    what: /^StatefulSet .*\/sandbox$/,
    reason:
      'Only where platform.yaml lets sandboxes make user namespaces; validation.test.ts holds all others to "restricted".',
  },
  {
    rule: 'added-capabilities',
    what: /^StatefulSet .*\/sandbox$/,
    reason:
      'For newuidmap and newgidmap, where sandboxes may make user namespaces; validation.test.ts looks at all others.',
  },
  {
    rule: 'read-secret-from-env-var',
    what: /^StatefulSet .*\/sandbox$/,
    reason: 'The entrypoint takes the token out of its environment; DATABASE_URL is what programs read.',
  },
  {
    rule: 'read-secret-from-env-var',
    what: /^Deployment .*\/app$/,
    reason: 'DATABASE_URL is what programs read.',
  },
  {
    rule: 'minimum-three-replicas',
    what: /^Deployment .*--release$/,
    reason: 'How many pods a release has is its owner’s choice, and counts against the quota.',
  },
  {
    rule: 'no-anti-affinity',
    what: /^Deployment .*--release$/,
    reason: 'The scheduler spreads the pods of one Service over machines and zones by itself.',
  },
  {
    rule: 'access-to-secrets',
    what: /^Role fullstackagent-controller$/,
    reason: 'The terminal’s token and a database’s password; by name, one at a time: see TenantChart.',
  },
  {
    rule: 'access-to-write',
    what: /^Role fullstackagent-controller$/,
    reason: 'Exec in a pod is asked for by a create. It moves files.',
  },
];

export interface Fault {
  readonly rule: string;
  /** `<kind> <name>`, with `/<what in it>`. */
  readonly what: string;
}

/** `beside`: what is applied by somebody else, and what the objects may count on. */
export const faultsOf = (
  objects: readonly GoldenObject[],
  beside: readonly GoldenObject[] = [],
): readonly Fault[] =>
  RULES.flatMap((rule) =>
    objects.flatMap((object) =>
      rule.faults(object, [...objects, ...beside]).map((detail) => ({
        rule: rule.name,
        what: `${object.kind} ${object.metadata.name}${detail === '' ? '' : `/${detail}`}`,
      })),
    ),
  );

export const isExcepted = ({ rule, what }: Fault): boolean =>
  EXCEPTIONS.some((exception) => exception.rule === rule && exception.what.test(what));

/** What a platform team would not sign, and nobody gave a reason for. */
export const unexcused = (
  objects: readonly GoldenObject[],
  beside: readonly GoldenObject[] = [],
): readonly Fault[] => faultsOf(objects, beside).filter((fault) => !isExcepted(fault));
