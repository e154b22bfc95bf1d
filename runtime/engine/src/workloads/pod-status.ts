import { list, record, text, type Json, type KubeObject } from '../store/object.js';

export interface PodCondition {
  readonly phase: 'Pending' | 'Running';
  /** Why the container cannot be started yet. */
  readonly waiting?: { readonly reason: string; readonly message: string };
  /** Why the pod cannot even be placed. */
  readonly unschedulable?: string;
}

/** A pod's status as the kubelet would write it. Times move only when what they are about changes. */
export function podStatus(pod: KubeObject, condition: PodCondition, now: Date): Json {
  const instant = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const running = condition.phase === 'Running';
  const container = list(pod, 'spec', 'containers')[0];
  const conditions = [
    {
      type: 'PodScheduled',
      status: condition.unschedulable === undefined ? 'True' : 'False',
      ...unschedulable(condition),
    },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: running ? 'True' : 'False' },
    { type: 'Ready', status: running ? 'True' : 'False' },
  ];
  return {
    phase: condition.phase,
    conditions: conditions.map((entry) => ({ ...entry, lastTransitionTime: since(pod, entry, instant) })),
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    startTime: text(pod, 'status', 'startTime') ?? instant,
    qosClass: 'Burstable',
    containerStatuses: [
      {
        name: text(container, 'name') ?? 'sandbox',
        image: text(container, 'image') ?? '',
        imageID: '',
        ready: running,
        started: running,
        restartCount: 0,
        state: running
          ? { running: { startedAt: startedAt(pod) ?? instant } }
          : { waiting: condition.waiting ?? { reason: 'ContainerCreating' } },
        lastState: {},
      },
    ],
  };
}

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
