import { describe, expect, test } from 'vitest';
import {
  trimDatabase,
  trimDeployment,
  trimPod,
  trimRefusal,
  trimSealedSecret,
  trimStatefulSet,
  trimVolume,
} from './trim.js';

const INTENT = 'fullstackagent.dev/intent';
const meta = (more: object = {}): { metadata: object } => ({
  metadata: { name: 'x', namespace: 'ns-abcd1234', ...more },
});

describe('StatefulSet', () => {
  const object = (generation: number, status: object): Record<string, unknown> => ({
    ...meta({ generation, annotations: { [INTENT]: 'blob' } }),
    spec: { replicas: 1 },
    status,
  });
  test.each([
    ['observed', object(2, { observedGeneration: 2 }), true],
    ['an older generation', object(2, { observedGeneration: 1 }), false],
    ['never looked at', object(1, {}), false],
  ])('%s', (_what, given, expected) => {
    expect(trimStatefulSet(given).generationObserved).toBe(expected);
  });
  test('revisions', () => {
    const revisions = (current: string, update: string): object => ({
      currentRevision: current,
      updateRevision: update,
    });
    expect(trimStatefulSet(object(1, revisions('a', 'a'))).rolledOut).toBe(true);
    expect(trimStatefulSet(object(1, revisions('a', 'b'))).rolledOut).toBe(false);
  });
  test('what is left out has the default of Kubernetes', () => {
    expect(trimStatefulSet({ ...meta(), spec: {} })).toEqual({
      name: 'x',
      deleting: false,
      replicas: 1,
      readyReplicas: 0,
      generationObserved: false,
      rolledOut: true,
    });
  });
});

describe('Pod', () => {
  test('a crash loop, as a kubelet reports it', () => {
    const pod = trimPod({
      ...meta({ creationTimestamp: '2026-11-23T08:00:00Z' }),
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-11-23T08:01:00Z' }],
        containerStatuses: [
          {
            image: 'i:1',
            restartCount: 4,
            state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
            lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          },
        ],
      },
    });
    expect(pod).toEqual({
      name: 'x',
      deleting: false,
      ready: false,
      createdAt: new Date('2026-11-23T08:00:00Z'),
      readySince: new Date('2026-11-23T08:01:00Z'),
      containers: [
        {
          image: 'i:1',
          restarts: 4,
          running: false,
          waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' },
          termination: { exitCode: 137, reason: 'OOMKilled' },
        },
      ],
    });
  });
  test('unschedulable', () => {
    const conditions = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' },
    ];
    expect(trimPod({ ...meta(), status: { conditions } }).unschedulable).toBe('0/1 nodes');
    expect(
      trimPod({ ...meta(), status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } }),
    ).not.toHaveProperty('unschedulable');
  });
  test('failed, deleting', () => {
    const pod = trimPod({
      ...meta({ deletionTimestamp: 'now' }),
      status: { phase: 'Failed', reason: 'Evicted' },
    });
    expect(pod).toMatchObject({ failed: 'Evicted', deleting: true });
  });
  test('rubbish is an unremarkable pod, not an exception', () => {
    expect(
      trimPod({ metadata: 5, status: { conditions: 'none', containerStatuses: [null, 3] } }),
    ).toMatchObject({
      name: '',
      ready: false,
    });
  });
});

describe('a Deployment whose pods are not let in', () => {
  const refused = (status: string, message: string): unknown =>
    trimDeployment({
      ...meta(),
      status: { conditions: [{ type: 'ReplicaFailure', status, reason: 'FailedCreate', message }] },
    }).refused;
  test('says why, and whether it is for want of room', () => {
    const quota = 'pods "x" is forbidden: exceeded quota: tenant, requested: limits.cpu=1';
    expect(refused('True', quota)).toEqual({ kind: 'quota', message: quota });
    expect(refused('True', 'denied')).toEqual({ kind: 'other', message: 'denied' });
    expect(refused('False', quota)).toBeUndefined();
  });
});

describe('KubeBlocks Cluster', () => {
  const cluster = (status: object, generation = 3): Record<string, unknown> => ({
    ...meta({ generation }),
    status,
  });
  const [NEW, OLD] = ['apps.kubeblocks.io/v1', 'apps.kubeblocks.io/v1alpha1'];
  const component = (more: object): object => ({ components: { postgresql: { phase: 'Running', ...more } } });
  test.each([
    ['up to date', component({ upToDate: true }), true],
    ['left out means no', component({}), false],
    ['no component at all', {}, false],
    ['by the old API, which does not say it', { apiVersion: OLD, ...component({}) }, true],
    ['by the old API, before there is a component', { apiVersion: OLD }, false],
  ])('%s', (_what, { apiVersion, ...status }: { apiVersion?: string }, expected) => {
    const object = cluster({ phase: 'Running', observedGeneration: 3, ...status });
    expect(trimDatabase({ ...object, apiVersion: apiVersion ?? NEW }).upToDate).toBe(expected);
  });
  test('the Ready condition is not readiness; a refused provisioning is a refusal', () => {
    const conditions = [
      { type: 'Ready', status: 'True', lastTransitionTime: '2026-11-23T08:00:00Z' },
      {
        type: 'ProvisioningStarted',
        status: 'False',
        message: 'no such definition',
        lastTransitionTime: '2026-11-23T08:02:00Z',
      },
    ];
    expect(trimDatabase(cluster({ phase: 'Updating', observedGeneration: 2, conditions }))).toMatchObject({
      phase: 'Updating',
      generationObserved: false,
      upToDate: false,
      refused: 'no such definition',
      conditionsSince: new Date('2026-11-23T08:02:00Z'),
    });
  });
  test('messages of all components are kept', () => {
    const components = { postgresql: { phase: 'Failed', message: { 'Pod/x-0': 'disk full' } } };
    expect(trimDatabase(cluster({ phase: 'Failed', message: 'failed', components })).message).toBe(
      'failed; disk full',
    );
  });
});

test('a volume without a phase is pending', () => {
  expect(trimVolume(meta() as Record<string, unknown>).phase).toBe('Pending');
});

describe('SealedSecret', () => {
  const sealed = (status: object, generation = 1): Record<string, unknown> => ({
    ...meta({ generation }),
    status,
  });
  const synced = (value: string): object => ({
    conditions: [{ type: 'Synced', status: value, message: 'm' }],
  });
  test.each([
    ['synced', sealed(synced('True')), true],
    ['refused', sealed(synced('False')), false],
    ['not looked at', sealed({}), undefined],
    ['said of an older generation', sealed({ ...synced('False'), observedGeneration: 1 }, 2), undefined],
  ])('%s', (_what, given, expected) => {
    expect(trimSealedSecret(given).synced).toBe(expected);
  });
});

test.each([
  ['create Pod x-0 failed: pods "x-0" is forbidden: exceeded quota: quota, requested: pods=1', 'quota'],
  ['create Pod x-0 failed: admission webhook denied the request', 'other'],
])('an event of a pod that was refused: %s', (message, kind) => {
  expect(trimRefusal({ ...meta(), message, lastTimestamp: '2026-11-23T08:00:00Z' })).toEqual({
    kind,
    message,
    at: new Date('2026-11-23T08:00:00Z'),
  });
});
