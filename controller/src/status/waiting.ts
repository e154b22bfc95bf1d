import type { ResourceKind } from '../contract/status.js';
import type {
  NoticeSubject,
  ObservedContainer,
  ObservedNotice,
  ObservedObjects,
  ObservedPod,
  ObservedVolume,
} from '../model/facts.js';
import { excerpt } from './verdict.js';

/** What a resource that starts is waiting for at this moment, and since when; to be read after "Waiting for". */
export interface Wait {
  readonly stage: 'volume' | 'pod' | 'machine' | 'image' | 'answer';
  readonly waitingFor: string;
  readonly since?: Date;
}

/** What keeps a container from being made although its image is there; everything before is fetching and mounting. */
const AFTER_THE_IMAGE = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
/** Probes fail while anything starts: that is what starting looks like. */
const EVERYDAY = new Set(['Unhealthy']);

const wait = (stage: Wait['stage'], waitingFor: string, since: Date | undefined): Wait => ({
  stage,
  waitingFor,
  ...(since === undefined ? {} : { since }),
});

export function sandboxWait(observed: ObservedObjects): Wait {
  const { volume, pods, refusal, statefulSet } = observed;
  const pod = pods.find(({ deleting }) => !deleting);
  if (volume === undefined ? pod === undefined : volume.phase !== 'Bound')
    return volumeWait(observed, volume, pod);
  if (pod !== undefined) return podWait(observed, pod, 'the terminal to answer inside the sandbox');
  const held = pods.length > 0 ? 'the pod before it to end' : 'the pod to be created';
  return wait('pod', withCause(held, refusal?.message), statefulSet?.changedAt);
}

function volumeWait(
  observed: ObservedObjects,
  volume: ObservedVolume | undefined,
  pod: ObservedPod | undefined,
): Wait {
  const notice = newestNotice(observed, 'volume', volume?.uid);
  const cause = notice?.warning === true ? notice.message : pod?.unschedulable;
  // Nothing provides it again: what was on it is where the storage was.
  if (volume?.phase === 'Lost')
    return wait(
      'volume',
      withCause('an operator to bring back the storage of the volume, which is lost', cause),
      volume.createdAt,
    );
  return wait('volume', withCause('the volume to be provided', cause), volume?.createdAt);
}

/** From the machine to the answer, as far as the pod has come. */
export function podWait(observed: ObservedObjects, pod: ObservedPod, answer: string): Wait {
  const { createdAt, unschedulable, containers } = pod;
  if (!isPlaced(pod)) return wait('machine', withCause('a machine with room', unschedulable), createdAt);
  if (!containers.some(hasImage)) return imageWait(observed, pod);
  return answerWait(pod, answer);
}

const isPlaced = ({ unschedulable, scheduledAt, containers }: ObservedPod): boolean =>
  unschedulable === undefined && (scheduledAt !== undefined || containers.length > 0);

function answerWait({ scheduledAt, containers }: ObservedPod, answer: string): Wait {
  const held = containers.find(({ waiting }) => waiting?.message !== undefined);
  if (held !== undefined) return wait('answer', held.waiting?.message ?? '', scheduledAt);
  const started = containers.find(({ startedAt }) => startedAt !== undefined);
  return wait('answer', answer + afterItsEnd(containers), started?.startedAt ?? scheduledAt);
}

const hasImage = ({ running, waiting, termination }: ObservedContainer): boolean =>
  running || termination !== undefined || AFTER_THE_IMAGE.has(waiting?.reason ?? '');

/** A restart on the spot: how it ended is all there is to say why it is not there yet. */
function afterItsEnd(containers: readonly ObservedContainer[]): string {
  const end = containers.find(({ termination }) => termination !== undefined)?.termination;
  if (end === undefined) return '';
  return ` again, after it ended with exit code ${end.exitCode}${end.reason === undefined ? '' : ` (${end.reason})`}`;
}

function imageWait(observed: ObservedObjects, pod: ObservedPod): Wait {
  const notice = newestNotice(observed, pod.ofRelease === true ? 'release' : 'sandbox', pod.uid);
  const since = pod.scheduledAt ?? pod.createdAt;
  if (notice?.reason === 'Pulling')
    return wait('image', withCause('the image to be pulled', pod.containers[0]?.image), notice.at ?? since);
  return wait('image', withCause('the container to be created', notice?.message), since);
}

/** The newest about this very object: one of the same name may have been there before. */
export const newestNotice = (
  observed: ObservedObjects,
  about: NoticeSubject,
  uid: string | undefined,
): ObservedNotice | undefined =>
  noticesAbout(observed, about, uid).find(({ reason }) => !EVERYDAY.has(reason));

/** What the cluster last warned about, everyday or not: after a long time it is what is wrong. */
export function lastWarning(observed: ObservedObjects, kind: ResourceKind): string | undefined {
  const pods = kind === 'release' ? (observed.releasePods ?? []) : observed.pods;
  const pod = kind === 'database' ? undefined : pods.find(({ ready, deleting }) => !ready && !deleting);
  if (kind !== 'database' && pod === undefined) return undefined;
  return noticesAbout(observed, kind, pod?.uid).find(({ warning }) => warning)?.message;
}

/** The newest first. */
function noticesAbout(
  { notices = [] }: ObservedObjects,
  about: NoticeSubject,
  uid: string | undefined,
): readonly ObservedNotice[] {
  return notices
    .filter((notice) => notice.about === about)
    .filter((notice) => uid === undefined || notice.uid === undefined || notice.uid === uid)
    .sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}

export const withCause = (what: string, cause: string | undefined): string =>
  cause === undefined || cause === '' ? what : `${what}: ${excerpt(cause)}`;
