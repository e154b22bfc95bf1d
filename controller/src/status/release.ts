import type { ObservedContainer, ObservedDeployment, ObservedPod, ProjectFacts } from '../model/facts.js';
import type { Delivery } from './delivery.js';
import { waitingForManifests } from './sandbox.js';
import { applyFailed, failed, sentence, type Verdict } from './verdict.js';
import { lastWarning, podWait } from './waiting.js';

/** The app as others use it. A release that does not come up leaves the one before it running, and that is said. */
export function releaseVerdict(facts: ProjectFacts, delivery: Delivery): Verdict {
  if (delivery.stage === 'failed') return applyFailed(delivery.failure);
  switch (facts.desired.state) {
    case 'Running':
      return running(facts, delivery);
    case 'Stopped':
      return stopped(facts, delivery);
    case 'Deleted':
      return deleted(facts, delivery);
  }
}

const podsOf = ({ observed }: ProjectFacts): readonly ObservedPod[] => observed.releasePods ?? [];

function running(facts: ProjectFacts, delivery: Delivery): Verdict {
  const { deployment } = facts.observed;
  if (deployment === undefined || deployment.deleting)
    return { status: 'CREATING', waitingFor: waitingForManifests(delivery) };
  if (deployment.intent !== facts.desired.version)
    return { status: onItsWay(deployment), waitingFor: waitingForManifests(delivery) };
  return releaseProblem(facts, deployment) ?? progress(facts, deployment, delivery);
}

const onItsWay = ({ availableReplicas }: ObservedDeployment): 'UPDATING' | 'STARTING' =>
  availableReplicas > 0 ? 'UPDATING' : 'STARTING';

function progress(facts: ProjectFacts, deployment: ObservedDeployment, delivery: Delivery): Verdict {
  if (!deployment.rolledOut)
    return { status: onItsWay(deployment), waitingFor: whatItWaitsFor(facts), ...startingSince(facts) };
  if (delivery.stage !== 'applied')
    return {
      status: facts.applier?.everApplied === true ? 'UPDATING' : 'STARTING',
      waitingFor: waitingForManifests(delivery),
    };
  return { status: 'RUNNING' };
}

/** Of those that do not answer yet. */
export const newestPod = (facts: ProjectFacts): ObservedPod | undefined =>
  podsOf(facts)
    .filter(({ ready, deleting }) => !ready && !deleting)
    .sort((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))[0];

function startingSince(facts: ProjectFacts): Pick<Verdict, 'since'> {
  const created = newestPod(facts)?.createdAt;
  return created === undefined ? {} : { since: created };
}

function whatItWaitsFor(facts: ProjectFacts): string {
  const pod = newestPod(facts);
  return pod === undefined
    ? 'its pods to be created'
    : podWait(facts.observed, pod, 'the app to answer').waitingFor;
}

/** A secret of the release is nothing that the sandbox waits for. */
export const isReleaseSecret = (name: string): boolean => name.includes('--release-env-');

function releaseProblem(facts: ProjectFacts, deployment: ObservedDeployment): Verdict | undefined {
  const sealed = facts.observed.sealedSecrets.find(
    ({ name, synced }) => synced === false && isReleaseSecret(name),
  );
  if (sealed !== undefined)
    return failed(
      'SecretCannotBeUnsealed',
      `The release's secrets cannot be opened on this cluster: ${sentence(sealed.message ?? 'no key fits')} Set them again, or ask an operator to restore the sealing key.`,
    );
  const containers = podsOf(facts).flatMap((pod) => (pod.ready || pod.deleting ? [] : pod.containers));
  const problem =
    containers.map(containerProblem).find((found) => found !== undefined) ??
    noRoom(deployment) ??
    stuck(facts, deployment);
  if (problem === undefined || deployment.availableReplicas === 0) return problem;
  return { ...problem, message: `${problem.message ?? ''} What answered before goes on answering.` };
}

function noRoom({ refused }: ObservedDeployment): Verdict | undefined {
  if (refused?.kind !== 'quota') return undefined;
  return failed(
    'QuotaExceeded',
    `The namespace has no room left for all pods of the release: ${sentence(refused.message)} Choose a smaller size or fewer replicas, stop another project, or ask an operator for more.`,
  );
}

function stuck(facts: ProjectFacts, { stuck: message, refused }: ObservedDeployment): Verdict | undefined {
  const pod = podsOf(facts).find(({ deleting, unschedulable }) => !deleting && unschedulable !== undefined);
  if (message === undefined) return undefined;
  return pod?.unschedulable === undefined
    ? failed(
        'TimedOut',
        `The release does not come up: ${sentence(lastWarning(facts.observed, 'release') ?? refused?.message ?? message)} Look at its log, or roll back.`,
      )
    : failed(
        'Unschedulable',
        `No machine of the cluster has room for this release: ${sentence(pod.unschedulable)} Choose a smaller size or fewer replicas.`,
      );
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const startReasons = new Set(['CrashLoopBackOff', 'RunContainerError', 'CreateContainerError', 'StartError']);

function containerProblem(container: ObservedContainer): Verdict | undefined {
  const { image, waiting } = container;
  const reason = waiting?.reason ?? '';
  const said = waiting?.message ?? reason;
  if (imageReasons.has(reason))
    return failed(
      'ImageCannotBePulled',
      `The image ${image} cannot be had: ${sentence(said)} Check its name and that the cluster may read it, or roll back.`,
    );
  return startReasons.has(reason) ? failed('CrashLoop', crashMessage(container, said)) : undefined;
}

function crashMessage({ termination, restarts }: ObservedContainer, said: string): string {
  if (termination?.reason === 'OOMKilled')
    return 'The release ran out of memory. Choose a larger size for it.';
  if (termination === undefined)
    return `The release cannot be started: ${sentence(said)} It is tried again by itself; mend it and release again, or roll back.`;
  const times = restarts > 1 ? ` ${restarts} times` : '';
  return `The release ended with exit code ${termination.exitCode}${times}. ${sentence(said)} Mend it and release again, or roll back.`;
}

function stopped(facts: ProjectFacts, delivery: Delivery): Verdict {
  const { deployment } = facts.observed;
  if (podsOf(facts).length > 0 || (deployment !== undefined && deployment.replicas > 0))
    return { status: 'STOPPING', waitingFor: 'the release to end' };
  if (deployment !== undefined || delivery.stage === 'applied') return { status: 'STOPPED' };
  return { status: 'CREATING', waitingFor: waitingForManifests(delivery) };
}

function deleted(facts: ProjectFacts, delivery: Delivery): Verdict {
  const gone = facts.observed.deployment === undefined && podsOf(facts).length === 0;
  if (gone && delivery.stage === 'applied' && facts.freshness.state !== 'never')
    return { status: 'TERMINATED' };
  return {
    status: 'TERMINATING',
    waitingFor: gone ? waitingForManifests(delivery) : 'the release to be taken away',
  };
}
