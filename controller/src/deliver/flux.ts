import type { ApplyFailure, ApplyFailureKind, ObservedApplier } from '../model/facts.js';
import { at, count, list, text, type Json } from '../shared/json.js';
import { applyFailure } from './failure.js';

/** A Flux `Kustomization` (the local engine writes the same) as the applier's report on one folder of `rendered`. */
export function readKustomization(object: Json): ObservedApplier {
  const applied = commitOf(
    text(object, 'status', 'lastAppliedOriginRevision') ?? text(object, 'status', 'lastAppliedRevision'),
  );
  const attempted = commitOf(text(object, 'status', 'lastAttemptedRevision'));
  const failure = failureOf(object);
  return {
    current: count(object, 'status', 'observedGeneration') >= count(object, 'metadata', 'generation'),
    ...(applied === undefined ? {} : { appliedRevision: applied }),
    ...(attempted === undefined ? {} : { attemptedRevision: attempted }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** `rendered@sha1:<40 hex>` -> the commit; a digest of an ExternalArtifact (`latest@sha256:…`) is no commit. */
function commitOf(revision: string | undefined): string | undefined {
  return revision === undefined ? undefined : /(?:^|[@:])sha1:([0-9a-f]{40})$/.exec(revision)?.[1];
}

const kinds: Readonly<Record<string, ApplyFailureKind>> = {
  ArtifactFailed: 'source',
  DependencyNotReady: 'source',
  HealthCheckFailed: 'health',
  HealthCheckCanceled: 'health',
};

function failureOf(object: Json): ApplyFailure | undefined {
  if (at(object, 'spec', 'suspend') === true)
    return { kind: 'paused', message: 'Flux does not apply this project: an operator has suspended it.' };
  const ready = list(object, 'status', 'conditions').find((entry) => text(entry, 'type') === 'Ready');
  if (at(ready, 'status') !== 'False') return undefined;
  const message = text(ready, 'message') ?? text(ready, 'reason') ?? 'the applier gave no reason';
  const kind = kinds[text(ready, 'reason') ?? ''];
  return kind === undefined ? applyFailure(message) : { kind, message };
}
