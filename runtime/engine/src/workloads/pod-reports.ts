import { isDeepStrictEqual } from 'node:util';
import { refOf, type KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';
import type { EventRecorder } from './events.js';
import type { Lives } from './lives.js';
import { podStatus, type PodCondition } from './pod-status.js';

export interface PodReportsOptions {
  readonly store: Store;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

export const CRASH_LOOP = 'CrashLoopBackOff';

/** A container that ended as a whole, with everything around it, and that waits to be started again. */
export const waitingAfter = (lives: Lives, why?: string): PodCondition => ({
  phase: 'Running',
  ...lives.told,
  waiting: {
    reason: CRASH_LOOP,
    message:
      why ?? `It ended with exit code ${lives.ended?.exitCode ?? 0}. ${lives.ended?.output ?? ''}`.trim(),
  },
});

/** Writes into pods' status what became of them, and of what they wait for an event. */
export class PodReports {
  constructor(private readonly options: PodReportsOptions) {}

  report(pod: KubeObject, condition: PodCondition): void {
    const { store, now, events } = this.options;
    const current = store.get(refOf(pod));
    if (current?.metadata.uid !== pod.metadata.uid) return;
    const status = podStatus(current, condition, now());
    if (isDeepStrictEqual(current['status'], status)) return;
    store.setStatus(refOf(pod), status);
    const { waiting, unschedulable } = condition;
    // Of a container that ended there is an event already: BackOff.
    if (waiting !== undefined && waiting.reason !== CRASH_LOOP)
      events.warn(pod, waiting.reason, waiting.message);
    else if (unschedulable !== undefined) events.warn(pod, 'FailedScheduling', unschedulable);
  }
}
