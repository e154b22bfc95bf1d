import type { ApplyFailure } from '../model/facts.js';

/** Admission says so in words only; this is the one place that reads them. */
export const applyFailure = (message: string): ApplyFailure => ({
  kind: message.includes('exceeded quota') ? 'quota' : 'apply',
  message,
});
