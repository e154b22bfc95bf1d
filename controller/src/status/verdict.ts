import type { ResourceStatus, StatusReason } from '../contract/status.js';
import type { ApplyFailure } from '../model/facts.js';

/** What a resource's rules say; steps are added from the same facts by `steps.ts`. */
export interface Verdict {
  readonly status: ResourceStatus;
  readonly reason?: StatusReason;
  readonly message?: string;
  /** Since when it has been on its way, where the objects know better than the document. */
  readonly since?: Date;
  /** What a resource that is on its way waits for, for the message of a time-out. */
  readonly waitingFor?: string;
}

export const failed = (reason: StatusReason, message: string): Verdict => ({
  status: 'ERROR',
  reason,
  message,
});

/** Long enough to read, short enough for a list: appliers and kubelets write novels. */
export function excerpt(text: string, max = 400): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}

/** `text` as a sentence of its own inside a message. */
export function sentence(text: string): string {
  const line = excerpt(text);
  return line === '' || /[.!?…]$/.test(line) ? line : `${line}.`;
}

export function applyFailed(failure: ApplyFailure): Verdict {
  if (failure.kind === 'quota')
    return failed(
      'QuotaExceeded',
      `The namespace has no room left for this project: ${sentence(failure.message)} Stop or delete another project, or ask an operator for more.`,
    );
  return failed(
    'ApplyFailed',
    `The manifests could not be applied: ${sentence(failure.message)} It is tried again by itself; change the project if the message names something of it.`,
  );
}

export const isTransitional = (status: ResourceStatus): boolean =>
  status === 'CREATING' ||
  status === 'STARTING' ||
  status === 'UPDATING' ||
  status === 'STOPPING' ||
  status === 'TERMINATING';
