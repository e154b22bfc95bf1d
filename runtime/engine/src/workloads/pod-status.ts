import { list, record, text, type Json, type KubeObject } from '../store/object.js';

export interface PodCondition {
  readonly phase: 'Pending' | 'Running';
  /** The startup probe has succeeded. Absent: as soon as it runs. */
  readonly started?: boolean;
  /** Absent: it is ready as soon as it runs. */
  readonly ready?: boolean;
  readonly restarts?: number;
  /** How it ended the time before. */
  readonly ended?: Ended;
  /** Why the container cannot be started yet. */
  readonly waiting?: { readonly reason: string; readonly message: string };
  /** Why the pod cannot even be placed. */
  readonly unschedulable?: string;
}

/** One life of a container. */
export interface Ended {
  readonly exitCode: number;
  readonly startedAt: Date;
  readonly at: Date;
  /** The end of what it printed. */
  readonly output: string;
}

/** A pod's status as the kubelet would write it. Times move only when what they are about changes. */
export function podStatus(pod: KubeObject, condition: PodCondition, now: Date): Json {
  const instant = seconds(now);
  const ready = isReady(condition);
  const conditions = [
    {
      type: 'PodScheduled',
      status: condition.unschedulable === undefined ? 'True' : 'False',
      ...unschedulable(condition),
    },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: ready ? 'True' : 'False' },
    { type: 'Ready', status: ready ? 'True' : 'False' },
  ];
  return {
    phase: condition.phase,
    conditions: conditions.map((entry) => ({ ...entry, lastTransitionTime: since(pod, entry, instant) })),
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    startTime: text(pod, 'status', 'startTime') ?? instant,
    qosClass: 'Burstable',
    containerStatuses: [containerStatus(pod, condition, instant)],
  };
}

const isUp = ({ phase, waiting }: PodCondition): boolean => phase === 'Running' && waiting === undefined;
const isReady = (condition: PodCondition): boolean => isUp(condition) && condition.ready !== false;

function containerStatus(pod: KubeObject, condition: PodCondition, instant: string): Json {
  const container = list(pod, 'spec', 'containers')[0];
  const ready = isReady(condition);
  return {
    name: text(container, 'name') ?? 'sandbox',
    image: text(container, 'image') ?? '',
    imageID: '',
    ready,
    started: isUp(condition) && condition.started !== false,
    restartCount: condition.restarts ?? 0,
    state: isUp(condition)
      ? { running: { startedAt: startedAt(pod) ?? instant } }
      : { waiting: condition.waiting ?? { reason: 'ContainerCreating' } },
    lastState: lastState(condition),
  };
}

function lastState({ ended }: PodCondition): Json {
  if (ended === undefined) return {};
  const failed = ended.exitCode !== 0;
  return {
    terminated: {
      exitCode: ended.exitCode,
      reason: failed ? 'Error' : 'Completed',
      startedAt: seconds(ended.startedAt),
      finishedAt: seconds(ended.at),
      ...(failed && ended.output !== '' ? { message: lastWords(ended.output) } : {}),
    },
  };
}

/** As much as the kubelet takes with terminationMessagePolicy FallbackToLogsOnError: 80 lines and 2,048 bytes. */
function lastWords(output: string): string {
  const lines = output.trimEnd().split('\n').slice(-80).join('\n');
  const bytes = Buffer.from(lines);
  // A character that is cut in two at the beginning is left out whole.
  return bytes
    .subarray(-2048)
    .toString('utf8')
    .replace(/^\uFFFD+/, '');
}

const seconds = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

const unschedulable = ({ unschedulable: message }: PodCondition): Json =>
  message === undefined ? {} : { reason: 'Unschedulable', message };

const startedAt = (pod: KubeObject): string | undefined =>
  text(record(list(pod, 'status', 'containerStatuses')[0], 'state', 'running'), 'startedAt');

function since(pod: KubeObject, entry: { type: string; status: string }, instant: string): string {
  const before = list(pod, 'status', 'conditions').find(
    (condition) => text(condition, 'type') === entry.type,
  );
  return text(before, 'status') === entry.status ? (text(before, 'lastTransitionTime') ?? instant) : instant;
}
