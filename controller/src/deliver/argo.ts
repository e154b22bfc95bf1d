import type { ApplyFailure, ObservedApplier } from '../model/facts.js';
import { at, count, list, text, type Json } from '../shared/json.js';
import { applyFailure } from './failure.js';

/** An Argo CD `Application` as the applier's report on one folder of `rendered`. */
export function readApplication(object: Json): ObservedApplier {
  const applied = appliedRevision(object);
  const attempted = commitAt(
    text(object, 'status', 'operationState', 'syncResult', 'revision') ??
      text(object, 'status', 'operationState', 'operation', 'sync', 'revision'),
  );
  const failure = failureOf(object);
  return {
    current: isCurrent(object),
    ...(applied === undefined ? {} : { appliedRevision: applied }),
    ...(attempted === undefined ? {} : { attemptedRevision: attempted }),
    ...(failure === undefined ? {} : { failure }),
  };
}

const commitAt = (revision: string | undefined): string | undefined =>
  revision !== undefined && /^[0-9a-f]{40}$/.test(revision) ? revision : undefined;

/**
 * In sync with a commit means applied, even where no sync ran for it: a commit that changes nothing of this folder
 * starts none. Out of sync, what was deployed last still stands.
 */
function appliedRevision(object: Json): string | undefined {
  if (isSynced(object)) return commitAt(text(object, 'status', 'sync', 'revision'));
  return commitAt(text(list(object, 'status', 'history').at(-1), 'revision'));
}

const isSynced = (object: Json): boolean => text(object, 'status', 'sync', 'status') === 'Synced';

/** An Application counts no generations it has seen: what it compared with has to be what it is told to apply. */
function isCurrent(object: Json): boolean {
  const compared = at(object, 'status', 'sync', 'comparedTo', 'source');
  const wanted = at(object, 'spec', 'source');
  return ['repoURL', 'targetRevision', 'path'].every(
    (field) => text(compared, field) === text(wanted, field),
  );
}

/** Found before anything is applied: the branch cannot be read, the manifests are none, the AppProject forbids them. */
const BEFORE_APPLYING: ReadonlySet<string> = new Set(['ComparisonError', 'InvalidSpecError', 'UnknownError']);

function failureOf(object: Json): ApplyFailure | undefined {
  const condition = list(object, 'status', 'conditions').find((entry) =>
    BEFORE_APPLYING.has(text(entry, 'type') ?? ''),
  );
  if (condition !== undefined)
    return { kind: 'source', message: text(condition, 'message') ?? 'Argo CD gave no reason.' };
  if (isSynced(object)) return healthFailure(object);
  return syncFailure(object) ?? paused(object);
}

/** The last sync, as far as it failed; one that is tried again has failed before. */
function syncFailure(object: Json): ApplyFailure | undefined {
  const operation = at(object, 'status', 'operationState');
  const phase = text(operation, 'phase');
  const retried = phase === 'Running' && count(operation, 'retryCount') > 0;
  if (phase !== 'Failed' && phase !== 'Error' && !retried) return undefined;
  // The objects say what was wrong; the operation only that something was.
  const refused = list(operation, 'syncResult', 'resources').find(
    (entry) => text(entry, 'status') === 'SyncFailed',
  );
  return applyFailure(text(refused, 'message') ?? text(operation, 'message') ?? 'Argo CD gave no reason.');
}

function paused(object: Json): ApplyFailure | undefined {
  const automated = at(object, 'spec', 'syncPolicy', 'automated');
  if (automated !== undefined && at(automated, 'enabled') !== false) return undefined;
  return text(object, 'status', 'sync', 'status') === 'OutOfSync'
    ? { kind: 'paused', message: 'Argo CD does not sync this project by itself: an operator has paused it.' }
    : undefined;
}

function healthFailure(object: Json): ApplyFailure | undefined {
  if (text(object, 'status', 'health', 'status') !== 'Degraded') return undefined;
  const message = text(object, 'status', 'health', 'message') ?? 'Argo CD calls something of it degraded.';
  return { kind: 'health', message };
}
