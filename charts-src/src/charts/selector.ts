import { LABELS } from '../names.js';

export type Workload = 'sandbox' | 'release';

/** Immutable on a StatefulSet and on a Deployment: two labels of our own that no change of a document ever touches. */
export const selector = (project: string, workload: Workload): Record<string, string> => ({
  [LABELS.project]: project,
  [LABELS.workload]: workload,
});
