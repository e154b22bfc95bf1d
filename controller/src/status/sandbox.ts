import type { ObservedStatefulSet, ProjectFacts } from '../model/facts.js';
import type { Delivery } from './delivery.js';
import { sandboxProblem } from './pod-problem.js';
import { applyFailed, type Verdict } from './verdict.js';
import { sandboxWait } from './waiting.js';

export function sandboxVerdict(facts: ProjectFacts, delivery: Delivery, now: Date): Verdict {
  if (delivery.stage === 'failed') return applyFailed(delivery.failure);
  switch (facts.desired.state) {
    case 'Running':
      return running(facts, delivery, now);
    case 'Stopped':
      return stopped(facts, delivery);
    case 'Deleted':
      return deleted(facts, delivery);
  }
}

function running(facts: ProjectFacts, delivery: Delivery, now: Date): Verdict {
  const { statefulSet } = facts.observed;
  if (statefulSet === undefined || statefulSet.deleting)
    return { status: 'CREATING', waitingFor: waitingForManifests(delivery) };
  if (statefulSet.intent !== facts.desired.version)
    return {
      status: statefulSet.replicas > 0 ? 'UPDATING' : 'STARTING',
      waitingFor: waitingForManifests(delivery),
    };
  return sandboxProblem(facts, now) ?? progress(facts, statefulSet, delivery);
}

function progress(facts: ProjectFacts, statefulSet: ObservedStatefulSet, delivery: Delivery): Verdict {
  const ready = facts.observed.pods.find((pod) => pod.ready && !pod.deleting);
  if (ready === undefined || statefulSet.replicas === 0)
    return { status: 'STARTING', ...startingSince(facts) };
  if (!statefulSet.generationObserved || !statefulSet.rolledOut)
    return { status: 'UPDATING', waitingFor: 'the new version of the sandbox to start' };
  if (statefulSet.readyReplicas < 1) return { status: 'STARTING', ...startingSince(facts) };
  if (delivery.stage !== 'applied')
    return {
      status: facts.applier?.everApplied === true ? 'UPDATING' : 'STARTING',
      waitingFor: waitingForManifests(delivery),
    };
  return { status: 'RUNNING' };
}

function startingSince({ observed }: ProjectFacts): Pick<Verdict, 'since' | 'waitingFor'> {
  const pod = observed.pods.find((candidate) => !candidate.deleting);
  const since = pod?.readySince ?? pod?.createdAt;
  return { waitingFor: sandboxWait(observed).waitingFor, ...(since === undefined ? {} : { since }) };
}

function stopped({ observed: { statefulSet, pods } }: ProjectFacts, delivery: Delivery): Verdict {
  if (pods.length > 0 || (statefulSet !== undefined && statefulSet.replicas > 0))
    return { status: 'STOPPING', waitingFor: 'the sandbox to end' };
  if (statefulSet !== undefined || delivery.stage === 'applied') return { status: 'STOPPED' };
  return { status: 'CREATING', waitingFor: waitingForManifests(delivery) };
}

function deleted({ observed, freshness }: ProjectFacts, delivery: Delivery): Verdict {
  const gone = observed.statefulSet === undefined && observed.pods.length === 0;
  const settled = delivery.stage === 'applied' && freshness.state !== 'never';
  if (gone && settled) return { status: 'TERMINATED' };
  return {
    status: 'TERMINATING',
    waitingFor: gone ? waitingForManifests(delivery) : 'the sandbox to be taken away',
  };
}

export function waitingForManifests(delivery: Delivery): string {
  return delivery.stage === 'accepted' ? 'the manifests to be rendered' : 'the manifests to be applied';
}
