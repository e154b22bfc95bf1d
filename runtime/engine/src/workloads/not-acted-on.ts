import { refOf } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import type { WorkloadController } from './controller.js';

const MESSAGES: Readonly<Record<string, string>> = {
  HorizontalPodAutoscaler: 'The local engine does not scale: one pod of the release runs.',
  PodDisruptionBudget: 'The local engine is one machine: nothing is moved away from it.',
};

/** Kinds that mean something on a cluster only: taken, so that one branch serves both, and their status says so. */
export class NotActedOn implements WorkloadController {
  constructor(private readonly store: Store) {}

  onChange({ type, object }: Change): void {
    const message = MESSAGES[object.kind];
    if (message === undefined || type === 'DELETED') return;
    const condition = { type: 'ActedOn', status: 'False', reason: 'LocalEngine', message };
    this.store.setStatus(refOf(object), { conditions: [condition] });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
