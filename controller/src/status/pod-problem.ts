import type { ObservedContainer, ObservedPod, ProjectFacts } from '../model/facts.js';
import { isReleaseSecret } from './release.js';
import { failed, sentence, type Verdict } from './verdict.js';

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
]);

/** The container could not even be started; the kubelet tries again with a growing pause. */
const startReasons = new Set(['CrashLoopBackOff', 'RunContainerError', 'CreateContainerError', 'StartError']);

/** Why the sandbox cannot run, as its pod and its secrets tell it; `undefined` while nothing speaks against it. */
export function sandboxProblem(facts: ProjectFacts, now: Date): Verdict | undefined {
  const { observed } = facts;
  const pods = observed.pods.filter((pod) => !pod.deleting);
  return (
    sealedProblem(facts) ??
    refusalProblem(facts) ??
    pods.map((pod) => podProblem(pod, now)).find((problem) => problem !== undefined)
  );
}

function sealedProblem({ observed }: ProjectFacts): Verdict | undefined {
  const broken = observed.sealedSecrets.find(
    ({ name, synced }) => synced === false && !isReleaseSecret(name),
  );
  if (broken === undefined) return undefined;
  return failed(
    'SecretCannotBeUnsealed',
    `The secret values in ${broken.name} cannot be opened on this cluster: ${sentence(broken.message ?? 'no key fits')} Set the secret variables again, or ask an operator to restore the sealing key.`,
  );
}

/** A refusal is remembered long after a pod was let in: only one of the version that is wanted now counts. */
function refusalProblem({ observed: { refusal, pods }, desired }: ProjectFacts): Verdict | undefined {
  if (refusal?.kind !== 'quota' || pods.length > 0) return undefined;
  if (refusal.at !== undefined && refusal.at < desired.changedAt) return undefined;
  return failed(
    'QuotaExceeded',
    `The namespace has no room left for this sandbox: ${sentence(refusal.message)} Stop or delete another project, choose a smaller size, or ask an operator for more.`,
  );
}

/**
 * A scheduler says "unschedulable" of every pod whose volume is still being provided, and of one that a new node is on
 * its way for. kstatus waits this long before it calls that a failure (reference, 6.2).
 */
export const UNSCHEDULABLE_LIMIT_MS = 15_000;

function podProblem(pod: ObservedPod, now: Date): Verdict | undefined {
  if (pod.ready) return undefined;
  const waited = now.getTime() - (pod.createdAt?.getTime() ?? 0);
  if (pod.unschedulable !== undefined && waited > UNSCHEDULABLE_LIMIT_MS)
    return failed(
      'Unschedulable',
      `No machine of the cluster has room for this sandbox: ${sentence(pod.unschedulable)} Choose a smaller size, or ask an operator for more machines.`,
    );
  for (const container of pod.containers) {
    const problem = containerProblem(container);
    if (problem !== undefined) return problem;
  }
  if (pod.failed !== undefined)
    return failed(
      'CrashLoop',
      `The sandbox was ended by the cluster: ${sentence(pod.failed)} It is started again by itself.`,
    );
  return undefined;
}

function containerProblem(container: ObservedContainer): Verdict | undefined {
  const reason = container.waiting?.reason;
  if (reason === undefined) return undefined;
  if (imageReasons.has(reason))
    return failed(
      'ImageCannotBePulled',
      `The image ${container.image} cannot be pulled: ${sentence(container.waiting?.message ?? reason)} Check the image's name and that the cluster may read it.`,
    );
  if (startReasons.has(reason)) return failed('CrashLoop', crashMessage(container));
  return undefined;
}

function crashMessage(container: ObservedContainer): string {
  const end = container.termination;
  const times = container.restarts > 0 ? ` after ${container.restarts} restarts` : '';
  if (end?.reason === 'OOMKilled')
    return `The sandbox ran out of memory (exit code ${end.exitCode})${times}. Choose a larger size.`;
  if (end !== undefined)
    return `The sandbox ends right after its start with exit code ${end.exitCode}${times}. Look at its log, then restart it.`;
  return `The sandbox cannot be started: ${sentence(container.waiting?.message ?? container.waiting?.reason ?? '')} It is tried again by itself.`;
}
