import type { ResourceKind, StatusStep } from '../contract/status.js';
import type { ObservedObject, ProjectFacts } from '../model/facts.js';
import type { Delivery } from './delivery.js';
import { newestPod } from './release.js';
import { excerpt, type Verdict } from './verdict.js';
import { podWait, sandboxWait, type Wait } from './waiting.js';

interface Step {
  readonly label: string;
  readonly done: boolean;
  /** When it was done. */
  readonly at?: Date | undefined;
  /** When it began, where that is not when the step before it was done. */
  readonly since?: Date | undefined;
}

interface Subject {
  readonly kind: ResourceKind;
  readonly verdict: Verdict;
}

/**
 * The way from the commit to the running process, for the progress list of a start. The first that is not done is
 * the active one; steps are listed only where a project is meant to run.
 */
export function stepsOf(facts: ProjectFacts, delivery: Delivery, subject: Subject): StatusStep[] {
  if (facts.desired.state !== 'Running') return [];
  const rendered = delivery.stage !== 'accepted';
  const object = objectOf(facts, subject.kind);
  // With an applier that waits for health the object is there, of this revision, before that counts as applied.
  const landed = rendered && (delivery.stage === 'applied' || object?.intent === facts.desired.version);
  const steps: Step[] = [
    { label: 'Recorded in git', done: true, at: facts.desired.changedAt },
    { label: 'Rendered', done: rendered },
    { label: 'Applied', done: landed, at: landed ? object?.changedAt : undefined },
    ...ownSteps(facts, subject, landed && object !== undefined),
  ];
  const active = steps.findIndex(({ done }) => !done);
  return steps.map((step, index) => ({
    label: step.label,
    state: stateAt(index, active),
    ...(index === active ? whileActive(step, steps, subject.verdict) : {}),
    ...(active === -1 || index < active ? whenDone(steps, index) : {}),
  }));
}

function objectOf({ observed }: ProjectFacts, kind: ResourceKind): ObservedObject | undefined {
  const { statefulSet, database, deployment } = observed;
  return { sandbox: statefulSet, database, release: deployment }[kind];
}

function ownSteps(facts: ProjectFacts, { kind, verdict }: Subject, landed: boolean): Step[] {
  const running = verdict.status === 'RUNNING';
  if (kind === 'sandbox') return sandboxSteps(facts, { landed, running });
  if (kind === 'database')
    return [{ label: 'Database running', done: running, since: landed ? verdict.since : undefined }];
  const pod = landed ? newestPod(facts) : undefined;
  const since = pod === undefined ? verdict.since : podWait(facts.observed, pod, '').since;
  return [{ label: 'Release answering', done: running, since }];
}

const STAGES: readonly Wait['stage'][] = ['volume', 'pod', 'machine', 'image', 'answer'];

function sandboxSteps(
  facts: ProjectFacts,
  { landed, running }: { landed: boolean; running: boolean },
): Step[] {
  const { observed } = facts;
  const wait = sandboxWait(observed);
  const pod = observed.pods.find(({ deleting }) => !deleting);
  const reached = landed ? STAGES.indexOf(wait.stage) : -1;
  const past = (stage: Wait['stage']): boolean => running || reached > STAGES.indexOf(stage);
  // Of the first start of a pod only: a later one says nothing about how long the image took.
  const first = pod?.containers.every(({ restarts }) => restarts === 0) === true ? pod : undefined;
  const started = first?.containers.find(({ startedAt }) => startedAt !== undefined)?.startedAt;
  const since = landed ? wait.since : undefined;
  return [
    { label: 'Volume ready', done: past('volume'), since },
    { label: 'Placed on a machine', done: past('machine'), at: pod?.scheduledAt, since },
    { label: 'Image ready', done: past('image'), at: started, since },
    { label: 'Sandbox starting', done: running, at: running ? first?.readySince : undefined, since },
  ];
}

function stateAt(index: number, active: number): StatusStep['state'] {
  if (active === -1 || index < active) return 'done';
  return index === active ? 'active' : 'waiting';
}

function whileActive(
  step: Step,
  steps: readonly Step[],
  { status, waitingFor }: Verdict,
): Pick<StatusStep, 'detail' | 'since'> {
  const since = step.since ?? lastKnown(steps.slice(0, steps.indexOf(step)));
  return {
    ...(waitingFor === undefined || status === 'ERROR' ? {} : { detail: excerpt(waitingFor) }),
    ...(since === undefined ? {} : { since: since.toISOString().replace(/\.\d{3}Z$/, 'Z') }),
  };
}

/** Since the last step before it of which the time is known. Clocks differ: what would be negative is not known. */
function whenDone(steps: readonly Step[], index: number): Pick<StatusStep, 'seconds'> {
  const at = steps[index]?.at;
  const before = lastKnown(steps.slice(0, index));
  if (at === undefined || before === undefined) return {};
  // The cluster's times are whole seconds.
  const seconds = Math.floor(at.getTime() / 1000) - Math.floor(before.getTime() / 1000);
  return seconds < 0 ? {} : { seconds };
}

const lastKnown = (steps: readonly Step[]): Date | undefined =>
  steps.flatMap(({ at }) => (at === undefined ? [] : [at])).at(-1);
