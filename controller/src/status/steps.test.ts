import { describe, expect, test } from 'vitest';
import type { ResourceStatusDto, StatusStep } from '../contract/status.js';
import {
  nothingObserved,
  type ObservedNotice,
  type ObservedObjects,
  type ProjectFacts,
} from '../model/facts.js';
import { container, database, desired, facts, objects, pod, statefulSet, T0 } from './facts-for-tests.js';
import { projectStatus } from './status.js';

const after = (seconds: number): Date => new Date(T0.getTime() + seconds * 1000);
const iso = (seconds: number): string => after(seconds).toISOString().replace('.000Z', 'Z');
const withDatabase = desired({ hasDatabase: true });

function resource(given: ProjectFacts, kind: ResourceStatusDto['kind'] = 'sandbox'): ResourceStatusDto {
  const found = projectStatus(given, after(60)).resources.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`There is no ${kind}.`);
  return found;
}

const active = (given: ProjectFacts, kind?: ResourceStatusDto['kind']): StatusStep | undefined =>
  resource(given, kind).steps.find(({ state }) => state === 'active');

const lines = ({ steps }: ResourceStatusDto): string[] =>
  steps.map(({ label, state }) => `${label}: ${state}`);

const notice = (changes: Partial<ObservedNotice>): ObservedNotice => ({
  about: 'sandbox',
  uid: 'pod-1',
  reason: 'Pulling',
  message: 'Pulling image "sandbox:1"',
  warning: false,
  at: after(6),
  ...changes,
});

const creating = container({ running: false, waiting: { reason: 'ContainerCreating' } });
const placed = pod({
  ready: false,
  uid: 'pod-1',
  createdAt: after(2),
  scheduledAt: after(5),
  containers: [creating],
});
const withPod = (changes: Partial<typeof placed>, notices: readonly ObservedNotice[] = []): ProjectFacts =>
  facts({ observed: objects({ pods: [{ ...placed, ...changes }], notices }) });

describe('which step is under way', () => {
  test('accepted', () => {
    const given: ProjectFacts = {
      desired: desired({}),
      observed: nothingObserved,
      freshness: { state: 'fresh' },
    };
    expect(lines(resource(given))).toEqual([
      'Recorded in git: done',
      'Rendered: active',
      'Applied: waiting',
      'Volume ready: waiting',
      'Placed on a machine: waiting',
      'Image ready: waiting',
      'Sandbox starting: waiting',
    ]);
    expect(active(given)).toMatchObject({ since: iso(0), detail: 'the manifests to be rendered' });
  });

  test('running: every step is done', () => {
    const given = facts({ desired: withDatabase, observed: objects({ database: database() }) });
    for (const one of projectStatus(given, after(60)).resources) {
      expect(one.steps.map(({ state }) => state)).toEqual(one.steps.map(() => 'done'));
      expect(one.waitingFor).toBeUndefined();
    }
  });

  test('nothing to start, no steps', () => {
    const observed = objects({ statefulSet: statefulSet({ replicas: 0, readyReplicas: 0 }), pods: [] });
    expect(resource(facts({ desired: desired({ state: 'Stopped' }), observed })).steps).toEqual([]);
  });

  test('what stops says what it waits for, too', () => {
    const observed = objects({ statefulSet: statefulSet({ replicas: 0 }), pods: [pod({ deleting: true })] });
    expect(resource(facts({ desired: desired({ state: 'Stopped' }), observed })).waitingFor).toBe(
      'the sandbox to end',
    );
  });

  test('an error has its message: the step says no more than where it happened', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'manifest unknown' };
    const step = active(withPod({ containers: [container({ running: false, waiting })] }));
    expect(step).toMatchObject({ label: 'Image ready' });
    expect(step?.detail).toBeUndefined();
  });
});

const volume = (changes: object = {}): Partial<ObservedObjects> => ({
  volume: {
    name: 'blog--workspace',
    deleting: false,
    phase: 'Pending',
    uid: 'volume-1',
    createdAt: after(1),
    ...changes,
  },
});
const held = { reason: 'CreateContainerConfigError', message: 'secret "blog--terminal" not found' };
const crashed = container({
  restarts: 1,
  startedAt: after(30),
  termination: { exitCode: 137, reason: 'OOMKilled' },
});

type Row = [what: string, given: ProjectFacts, label: string, expected: Partial<StatusStep>];

const rows: Row[] = [
  [
    'the volume',
    facts({ observed: objects({ pods: [], ...volume() }) }),
    'Volume ready',
    { detail: 'the volume to be provided', since: iso(1) },
  ],
  [
    'a volume whose storage is lost: nobody provides it again',
    facts({ observed: objects({ pods: [], ...volume({ phase: 'Lost' }) }) }),
    'Volume ready',
    { detail: 'an operator to bring back the storage of the volume, which is lost', since: iso(1) },
  ],
  [
    'the volume, and why it is not there',
    facts({
      observed: objects({
        pods: [],
        ...volume(),
        notices: [
          notice({
            about: 'volume',
            uid: 'volume-1',
            reason: 'ProvisioningFailed',
            message: 'storageclass "fast" not found',
            warning: true,
          }),
        ],
      }),
    }),
    'Volume ready',
    { detail: 'the volume to be provided: storageclass "fast" not found' },
  ],
  [
    'a volume that waits for a pod: that is how it is meant',
    facts({
      observed: objects({
        pods: [],
        ...volume(),
        notices: [notice({ about: 'volume', uid: 'volume-1', reason: 'WaitForFirstConsumer', message: 'x' })],
      }),
    }),
    'Volume ready',
    { detail: 'the volume to be provided' },
  ],
  [
    'the pod',
    facts({ observed: objects({ pods: [], statefulSet: statefulSet({ changedAt: after(1) }) }) }),
    'Placed on a machine',
    { detail: 'the pod to be created', since: iso(1) },
  ],
  [
    'the pod, which is refused',
    facts({
      observed: objects({ pods: [], refusal: { kind: 'other', message: 'violates PodSecurity', at: T0 } }),
    }),
    'Placed on a machine',
    { detail: 'the pod to be created: violates PodSecurity' },
  ],
  [
    'the pod of before',
    facts({ observed: objects({ pods: [pod({ deleting: true })] }) }),
    'Placed on a machine',
    { detail: 'the pod before it to end' },
  ],
  [
    'a machine',
    facts({ observed: objects({ pods: [pod({ ready: false, createdAt: after(2), containers: [] })] }) }),
    'Placed on a machine',
    { detail: 'a machine with room', since: iso(2) },
  ],
  [
    'the image, from when the kubelet asked for it',
    withPod({}, [notice({})]),
    'Image ready',
    { detail: 'the image to be pulled: sandbox:1', since: iso(6) },
  ],
  [
    'the volume to be attached to the machine',
    withPod({}, [
      notice({ at: after(3) }),
      notice({ reason: 'FailedAttachVolume', message: 'Multi-Attach error', warning: true }),
    ]),
    'Image ready',
    { detail: 'the container to be created: Multi-Attach error', since: iso(5) },
  ],
  [
    'an event about the pod of that name before this one',
    withPod({}, [notice({ uid: 'pod-0' })]),
    'Image ready',
    { detail: 'the container to be created', since: iso(5) },
  ],
  [
    'a secret that the container needs',
    withPod({ containers: [container({ running: false, waiting: held })] }),
    'Sandbox starting',
    { detail: held.message, since: iso(5) },
  ],
  [
    'the terminal, from when the container runs; probes that fail are everyday',
    withPod({ containers: [container({ startedAt: after(20) })] }, [
      notice({ reason: 'Unhealthy', message: 'connection refused', warning: true }),
    ]),
    'Sandbox starting',
    { detail: 'the terminal to answer inside the sandbox', since: iso(20) },
  ],
  [
    'the terminal again, and how it ended before',
    withPod({ containers: [crashed] }),
    'Sandbox starting',
    {
      detail:
        'the terminal to answer inside the sandbox again, after it ended with exit code 137 (OOMKilled)',
      since: iso(30),
    },
  ],
];

describe('what a start waits for, and since when', () => {
  test.each(rows)('%s', (_what, given, ...[label, expected]) => {
    expect(active(given)).toMatchObject({ label, ...expected });
    expect(resource(given).waitingFor).toBe(active(given)?.detail);
  });

  test('steps that are done say how long they took, where the cluster tells', () => {
    const observed = objects({
      statefulSet: statefulSet({ changedAt: after(2) }),
      pods: [{ ...placed, containers: [container({ startedAt: after(45) })] }],
    });
    const took = resource(facts({ observed })).steps.map(({ label, seconds }) => [label, seconds]);
    expect(took).toEqual([
      ['Recorded in git', undefined],
      ['Rendered', undefined],
      ['Applied', 2],
      ['Volume ready', undefined],
      ['Placed on a machine', 3],
      ['Image ready', 40],
      ['Sandbox starting', undefined],
    ]);
  });

  test('of a container that was started again, nobody knows how long its image took', () => {
    const containers = [container({ startedAt: after(86_400), restarts: 1 })];
    const observed = objects({ pods: [{ ...placed, ready: true, readySince: after(86_405), containers }] });
    const took = resource(facts({ observed })).steps.map(({ seconds }) => seconds ?? 0);
    expect(Math.max(...took)).toBeLessThan(60);
  });

  test('the cluster knows whole seconds: what is a part of one before is the same moment', () => {
    const changedAt = new Date(T0.getTime() + 900);
    const observed = objects({ statefulSet: statefulSet({ changedAt: T0 }) });
    const { steps } = resource(facts({ desired: desired({ changedAt }), observed }));
    expect(steps.find(({ label }) => label === 'Applied')?.seconds).toBe(0);
  });

  test('a time before the one it follows (a clock that is wrong, a restart of the controller) is not told', () => {
    const observed = objects({ statefulSet: statefulSet({ changedAt: after(-3600) }) });
    expect(resource(facts({ observed })).steps.every(({ seconds }) => (seconds ?? 0) >= 0)).toBe(true);
  });
});

describe('a database that starts', () => {
  const starting = (notices: readonly ObservedNotice[] = [], message?: string): ProjectFacts =>
    facts({
      desired: withDatabase,
      observed: objects({
        database: database({
          phase: 'Creating',
          upToDate: false,
          conditionsSince: after(4),
          ...(message === undefined ? {} : { message }),
        }),
        notices,
      }),
    });
  const about = { about: 'database', uid: 'any' } as const;

  test('says since when', () => {
    expect(active(starting(), 'database')).toEqual({
      label: 'Database running',
      state: 'active',
      detail: 'the database to accept connections',
      since: iso(4),
    });
  });

  test('and what its pods or KubeBlocks say', () => {
    const noted = active(starting([notice({ ...about, message: 'Pulling image "postgresql"' })]), 'database');
    expect(noted?.detail).toBe('the database to accept connections: Pulling image "postgresql"');
    expect(active(starting([], 'not all replicas'), 'database')?.detail).toMatch(/not all replicas/);
  });

  test('but not what was said about an earlier start', () => {
    const noted = active(starting([notice({ ...about, at: after(1) })]), 'database');
    expect(noted?.detail).toBe('the database to accept connections');
  });
});
