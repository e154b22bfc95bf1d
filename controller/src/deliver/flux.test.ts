import { expect, test } from 'vitest';
import { readKustomization } from './flux.js';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const kustomization = (status: object, generation = 1): Record<string, unknown> => ({
  metadata: { name: 'blog', generation },
  status: { observedGeneration: 1, ...status },
});
const ready = (status: string, reason: string, message: string): object => ({
  conditions: [{ type: 'Ready', status, reason, message }],
});

test('applied', () => {
  const status = { lastAppliedRevision: `rendered@sha1:${A}`, lastAttemptedRevision: `rendered@sha1:${B}` };
  expect(
    readKustomization(kustomization({ ...status, ...ready('True', 'ReconciliationSucceeded', 'ok') })),
  ).toEqual({
    current: true,
    appliedRevision: A,
    attemptedRevision: B,
  });
});

test('with an ExternalArtifact the git revision is the origin', () => {
  const status = {
    lastAppliedRevision: `latest@sha256:${'0'.repeat(64)}`,
    lastAppliedOriginRevision: `rendered@sha1:${A}`,
    lastAttemptedRevision: `latest@sha256:${'1'.repeat(64)}`,
  };
  expect(readKustomization(kustomization(status))).toEqual({ current: true, appliedRevision: A });
});

test('nothing said yet, or said of an older generation', () => {
  expect(readKustomization({ metadata: { generation: 1 } })).toEqual({ current: false });
  expect(readKustomization(kustomization({}, 2)).current).toBe(false);
});

test.each([
  ['BuildFailed', 'no matches for kind', 'apply'],
  ['ReconciliationFailed', 'persistentvolumeclaims "x" is forbidden: exceeded quota: quota', 'quota'],
  ['HealthCheckFailed', 'timeout waiting for: [StatefulSet/x]', 'health'],
  ['ArtifactFailed', 'artifact not found', 'source'],
  ['SomethingNew', 'what', 'apply'],
])('%s: %s is a failure of kind %3$s', (reason, message, kind) => {
  expect(readKustomization(kustomization(ready('False', reason, message))).failure).toEqual({
    kind,
    message,
  });
});

test('on its way is no failure', () => {
  expect(readKustomization(kustomization(ready('Unknown', 'Progressing', 'x')))).not.toHaveProperty(
    'failure',
  );
});

test('suspended: nobody would apply it', () => {
  const object = {
    ...kustomization(ready('True', 'ReconciliationSucceeded', 'ok')),
    spec: { suspend: true },
  };
  expect(readKustomization(object).failure?.kind).toBe('paused');
});
