import { expect, test } from 'vitest';
import { CRDS_MISSING, crdProblems, crdsPresent } from '../shared/crds-for-tests.js';
import { readApplication } from './argo.js';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const INSTANT = '2026-11-23T08:00:00Z';
const source = {
  repoURL: 'https://git.example.com/org/gitops.git',
  targetRevision: 'rendered',
  path: 'tenants/ab/ns-abcd1234/blog',
  directory: { include: '*.yaml' },
};
const destination = { server: 'https://kubernetes.default.svc', namespace: 'ns-abcd1234' };

interface Parts {
  readonly automated?: object;
  readonly comparedTo?: object;
  readonly [field: string]: unknown;
}

/** As Argo CD 3.5 writes it: what a test is about is given, the rest is a project in sync with commit A. */
const application = ({
  automated,
  comparedTo = source,
  ...status
}: Parts): Readonly<Record<string, unknown>> => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'ns-abcd1234-blog', namespace: 'argocd', generation: 7 },
  spec: {
    project: 'fullstackagent-projects',
    source,
    destination,
    syncPolicy: automated === undefined ? {} : { automated },
  },
  status: {
    sync: { status: 'Synced', revision: A, comparedTo: { source: comparedTo, destination } },
    health: { status: 'Healthy', lastTransitionTime: INSTANT },
    resourceHealthSource: 'appTree',
    reconciledAt: INSTANT,
    history: [{ id: 0, revision: A, deployedAt: INSTANT, source }],
    ...status,
  },
});

const outOfSync = {
  status: 'OutOfSync',
  revision: B,
  comparedTo: { source, destination },
};

const operation = (phase: string, fields: object = {}): object => ({
  operation: { sync: { revision: B, prune: true }, initiatedBy: { automated: true } },
  phase,
  startedAt: INSTANT,
  message: 'one or more objects failed to apply',
  syncResult: { revision: B, source, resources: [] },
  ...fields,
});

const refused = (message: string): object => ({
  syncResult: {
    revision: B,
    source,
    resources: [
      {
        group: '',
        kind: 'Service',
        name: 'blog',
        namespace: 'ns-abcd1234',
        status: 'Synced',
        version: 'v1',
        message: 'service/blog serverside-applied',
      },
      {
        group: 'apps',
        kind: 'StatefulSet',
        name: 'blog',
        namespace: 'ns-abcd1234',
        status: 'SyncFailed',
        version: 'v1',
        message,
      },
    ],
  },
});

const automated = { enabled: true, prune: true };
const samples: readonly Parts[] = [
  { automated },
  { automated, sync: outOfSync, operationState: operation('Running') },
  { automated, sync: outOfSync, operationState: operation('Failed', refused('no')) },
  { automated, conditions: [{ type: 'ComparisonError', message: 'x', lastTransitionTime: INSTANT }] },
];

test('the samples are Applications as the CRD has them', (context) => {
  context.skip(!crdsPresent, CRDS_MISSING);
  expect(samples.map(application).flatMap(crdProblems)).toEqual([]);
  expect(crdProblems(application({ automated: { enable: true } }))).not.toEqual([]);
});

test('in sync with a commit, whether or not that commit started a sync', () => {
  expect(readApplication(application({ automated }))).toEqual({ current: true, appliedRevision: A });
  const moved = { ...outOfSync, status: 'Synced' };
  expect(readApplication(application({ automated, sync: moved }))).toMatchObject({ appliedRevision: B });
});

test('on its way: what was deployed last stands, and nothing has failed', () => {
  const read = readApplication(
    application({ automated, sync: outOfSync, operationState: operation('Running') }),
  );
  expect(read).toEqual({ current: true, appliedRevision: A, attemptedRevision: B });
});

test('nothing said yet', () => {
  const object = { metadata: {}, spec: { source, destination } };
  expect(readApplication(object)).toEqual({ current: false });
});

test('what it compared with is not what it is told to apply', () => {
  const comparedTo = { ...source, path: 'tenants/ab/ns-abcd1234/other' };
  const sync = { status: 'Synced', revision: A, comparedTo: { source: comparedTo, destination } };
  expect(readApplication(application({ automated, sync })).current).toBe(false);
});

test.each([
  { phase: 'Failed', fields: {}, message: 'admission webhook denied the request', kind: 'apply' },
  { phase: 'Failed', fields: {}, message: 'exceeded quota: tenant, requested: pods=1', kind: 'quota' },
  { phase: 'Running', fields: { retryCount: 2 }, message: 'field is immutable', kind: 'apply' },
])('$phase: the object says what was wrong ($kind)', ({ phase, fields, message, kind }) => {
  const operationState = operation(phase, { ...refused(message), ...fields });
  const read = readApplication(application({ automated, sync: outOfSync, operationState }));
  expect(read).toMatchObject({ appliedRevision: A, attemptedRevision: B, failure: { kind, message } });
});

test('a sync that could not begin says so itself', () => {
  const operationState = operation('Error', { syncResult: undefined, message: 'impersonation failed' });
  expect(readApplication(application({ automated, sync: outOfSync, operationState }))).toMatchObject({
    attemptedRevision: B,
    failure: { kind: 'apply', message: 'impersonation failed' },
  });
});

test('a failed sync that was overcome is no failure', () => {
  const read = readApplication(
    application({ automated, operationState: operation('Failed', refused('no')) }),
  );
  expect(read).not.toHaveProperty('failure');
});

test('what cannot be compared is a failure of the source', () => {
  const conditions = [
    { type: 'OrphanedResourceWarning', message: 'two' },
    { type: 'ComparisonError', message: 'repository not accessible', lastTransitionTime: INSTANT },
  ];
  const sync = { ...outOfSync, status: 'Unknown', revision: '' };
  expect(readApplication(application({ automated, sync, conditions }))).toMatchObject({
    appliedRevision: A,
    failure: { kind: 'source', message: 'repository not accessible' },
  });
});

test('degraded is a matter of health, not of applying', () => {
  const health = { status: 'Degraded', message: 'phase Failed' };
  expect(readApplication(application({ automated, health })).failure).toEqual({
    kind: 'health',
    message: 'phase Failed',
  });
});

test.each([[undefined], [{ enabled: false }]])('automation %o: nobody would apply it', (off) => {
  const given = off === undefined ? {} : { automated: off };
  expect(readApplication(application({ ...given, sync: outOfSync })).failure?.kind).toBe('paused');
  expect(readApplication(application(given))).not.toHaveProperty('failure');
});
