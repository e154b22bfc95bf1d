import { LABELS } from '../names.js';

/** Immutable on a StatefulSet: two labels of our own that no change of a document ever touches. */
export const sandboxSelector = (project: string): Record<string, string> => ({
  [LABELS.project]: project,
  [LABELS.workload]: 'sandbox',
});
