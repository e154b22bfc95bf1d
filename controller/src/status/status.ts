import type { ProjectStatusDto, ResourceKind, ResourceStatusDto } from '../contract/status.js';
import type { ProjectFacts } from '../model/facts.js';
import { aggregate, allowedActions } from './aggregate.js';
import { databaseVerdict } from './database.js';
import { deliveryOf, type Delivery } from './delivery.js';
import { releaseVerdict } from './release.js';
import { sandboxVerdict } from './sandbox.js';
import { stepsOf } from './steps.js';
import { excerpt, failed, isTransitional, sentence, type Verdict } from './verdict.js';
import { lastWarning } from './waiting.js';

/** A start on a cluster that has to pull the image and provide a volume takes minutes; past this it is worth a look. */
export const TRANSITION_LIMIT_MS = 10 * 60_000;

/**
 * Facts and the time in, status out. Pure: the same facts and the same `now` give the same status, so status cannot
 * drift and cannot get stuck; an ERROR is gone with its cause (design, section 8).
 */
export function projectStatus(facts: ProjectFacts, now: Date): ProjectStatusDto {
  const delivery = deliveryOf(facts);
  const kinds: readonly ResourceKind[] = [
    'sandbox',
    ...(facts.desired.hasDatabase ? (['database'] as const) : []),
    ...(facts.desired.hasRelease === true ? (['release'] as const) : []),
  ];
  const resources = kinds.map((kind) => resourceStatus(facts, { kind, delivery, now }));
  const status = aggregate(resources.map((resource) => resource.status));
  const cause = resources.find((resource) => resource.status === 'ERROR');
  return {
    status,
    ...(cause?.reason === undefined ? {} : { reason: cause.reason }),
    ...(cause?.message === undefined ? {} : { message: cause.message }),
    resources,
    freshness: facts.freshness,
    allowedActions: allowedActions(status, facts.desired),
  };
}

interface Subject {
  readonly kind: ResourceKind;
  readonly delivery: Delivery;
  readonly now: Date;
}

function resourceStatus(facts: ProjectFacts, subject: Subject): ResourceStatusDto {
  const { kind, delivery } = subject;
  const verdict = judged(facts, subject);
  return {
    kind,
    status: verdict.status,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
    ...(isTransitional(verdict.status) && verdict.waitingFor !== undefined
      ? { waitingFor: excerpt(verdict.waitingFor) }
      : {}),
    steps: stepsOf(facts, delivery, { kind, verdict }),
  };
}

function judged(facts: ProjectFacts, { kind, delivery, now }: Subject): Verdict {
  if (facts.invalid !== undefined)
    return failed(
      'InvalidDocument',
      `The document on main cannot be used: ${sentence(facts.invalid)} Correct it there; until then the last good version stands.`,
    );
  if (facts.freshness.state === 'never') return unobserved(facts, delivery);
  const verdict = verdictOf(facts, { kind, delivery, now });
  return facts.freshness.state === 'fresh' ? timedOut(facts, verdict, { kind, now }) : verdict;
}

function verdictOf(facts: ProjectFacts, { kind, delivery, now }: Subject): Verdict {
  if (isPurging(facts, delivery)) return { status: 'TERMINATING', waitingFor: 'the data to be removed' };
  if (kind === 'sandbox') return sandboxVerdict(facts, delivery, now);
  return kind === 'database' ? databaseVerdict(facts, delivery) : releaseVerdict(facts, delivery);
}

/**
 * With the last step of a purge the folder goes, and the applier's own object after it: in between the applier looks for
 * a folder that is not there any more. That is what was asked for, and no failure.
 */
function isPurging({ desired: { purging } }: ProjectFacts, delivery: Delivery): boolean {
  if (purging === undefined) return false;
  return delivery.stage !== 'failed' || (purging === 'Remove' && delivery.failure.kind === 'source');
}

/** Nothing was observed yet: absence is not known either, so only the direction is said. */
function unobserved(facts: ProjectFacts, delivery: Delivery): Verdict {
  switch (facts.desired.state) {
    case 'Running':
      return { status: delivery.stage === 'accepted' ? 'CREATING' : 'STARTING' };
    case 'Stopped':
      return { status: 'STOPPING' };
    case 'Deleted':
      return { status: 'TERMINATING' };
  }
}

const afterTheLimit = {
  Running: 'Restart the project, or ask an operator.',
  Stopped: 'It goes on trying; ask an operator.',
  Deleted: 'It goes on trying; ask an operator.',
} as const;

/** Only while the cluster can be seen: not hearing from it is staleness, not slowness. */
function timedOut(
  facts: ProjectFacts,
  verdict: Verdict,
  { kind, now }: Pick<Subject, 'kind' | 'now'>,
): Verdict {
  if (!isTransitional(verdict.status)) return verdict;
  const since = Math.max(facts.desired.changedAt.getTime(), verdict.since?.getTime() ?? 0);
  if (now.getTime() - since <= TRANSITION_LIMIT_MS) return verdict;
  const minutes = Math.floor((now.getTime() - since) / 60_000);
  const waiting =
    verdict.waitingFor === undefined ? '' : ` Still waiting for ${sentence(verdict.waitingFor)}`;
  const warning = lastWarning(facts.observed, kind);
  const isNews = warning !== undefined && verdict.waitingFor?.includes(warning) !== true;
  const said = isNews ? ` The cluster says: ${sentence(warning)}` : '';
  return failed(
    'TimedOut',
    `Nothing has come of it for ${minutes} minutes.${waiting}${said} ${afterTheLimit[facts.desired.state]}`,
  );
}
