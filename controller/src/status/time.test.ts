import { describe, expect, test } from 'vitest';
import { nothingObserved } from '../model/facts.js';
import { container, desired, facts, objects, pod, statefulSet, T0 } from './facts-for-tests.js';
import { projectStatus, TRANSITION_LIMIT_MS } from './status.js';

const late = new Date(T0.getTime() + TRANSITION_LIMIT_MS + 61_000);
const scaledDown = objects({ statefulSet: statefulSet({ replicas: 0, readyReplicas: 0 }), pods: [] });
const stopped = desired({ state: 'Stopped' });

describe('time', () => {
  const starting = facts({ observed: objects({ pods: [pod({ ready: false })] }) });

  test('a start that takes too long is an ERROR that says what is missing', () => {
    const status = projectStatus(starting, late);
    expect(status).toMatchObject({ status: 'ERROR', reason: 'TimedOut' });
    expect(status.message).toMatch(/terminal to answer/);
  });

  test('a container that is held back says by what', () => {
    const message = 'secret "blog--db-postgresql-account-postgres" not found';
    const held = container({ running: false, waiting: { reason: 'CreateContainerConfigError', message } });
    const observed = objects({ pods: [pod({ ready: false, containers: [held] })] });
    expect(projectStatus(facts({ observed }), late)).toMatchObject({
      reason: 'TimedOut',
      message: expect.stringContaining(message) as string,
    });
  });

  test('what the cluster last warned about is in the message, even what is everyday before that', () => {
    const notices = [
      {
        about: 'sandbox' as const,
        uid: 'pod-1',
        reason: 'Unhealthy',
        message: 'Startup probe failed: connection refused',
        warning: true,
        at: T0,
      },
    ];
    const observed = objects({ pods: [pod({ ready: false, uid: 'pod-1' })], notices });
    const { message } = projectStatus(facts({ observed }), late);
    expect(message).toMatch(/terminal to answer.*\. The cluster says: Startup probe failed.*\. Restart/);
    const other = objects({ pods: [pod({ ready: false, uid: 'pod-2' })], notices });
    expect(projectStatus(facts({ observed: other }), late).message).not.toMatch(/probe/);
  });

  test('a purge that does not come to its end is said, and who can do something', () => {
    const purged = desired({ state: 'Deleted', purging: 'Remove' });
    const given = facts({ desired: purged, observed: nothingObserved });
    expect(projectStatus(given, new Date(T0.getTime() + 1000)).status).toBe('TERMINATING');
    expect(projectStatus(given, late)).toMatchObject({
      reason: 'TimedOut',
      message: expect.stringMatching(/data to be removed\. .*ask an operator\.$/) as string,
    });
  });

  test.each([
    ['Remove', 'source', 'TERMINATING'],
    ['Remove', 'paused', 'ERROR'],
    ['Remove', 'apply', 'ERROR'],
    ['Unprotect', 'source', 'ERROR'],
  ] as const)('a purge at %s whose applier has trouble with the %s is %s', (purging, kind, expected) => {
    const applier = { applied: false, attempted: true, everApplied: true, failure: { kind, message: 'no' } };
    const given = facts({ desired: desired({ state: 'Deleted', purging }), applier });
    const soon = new Date(T0.getTime() + 1000);
    expect(projectStatus(given, soon).resources.map(({ status }) => status)).toEqual([expected]);
    expect(projectStatus(given, late).status).toBe('ERROR');
  });

  test('the time counts from when the pod was last ready, not from an old document', () => {
    const readySince = new Date(late.getTime() - 1000);
    const observed = objects({ pods: [pod({ ready: false, readySince })] });
    expect(projectStatus(facts({ observed }), late).status).toBe('STARTING');
  });

  test('a state of rest never times out', () => {
    expect(projectStatus(facts(), late).status).toBe('RUNNING');
    expect(projectStatus(facts({ desired: stopped, observed: scaledDown }), late).status).toBe('STOPPED');
  });

  test('what cannot be seen does not time out', () => {
    const stale = { ...starting, freshness: { state: 'stale', ageSeconds: 900 } as const };
    expect(projectStatus(stale, late)).toMatchObject({
      status: 'STARTING',
      freshness: { state: 'stale', ageSeconds: 900 },
    });
  });
});

describe('before anything was observed', () => {
  test.each([
    ['Running', 'STARTING'],
    ['Stopped', 'STOPPING'],
    ['Deleted', 'TERMINATING'],
  ] as const)('%s is only a direction: %s', (state, expected) => {
    const given = facts({
      desired: desired({ state }),
      observed: nothingObserved,
      freshness: { state: 'never' },
    });
    expect(projectStatus(given, late).status).toBe(expected);
  });
});
