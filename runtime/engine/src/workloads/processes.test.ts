import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../store/object.js';
import { endProcesses, FOR_SERVERS, graceSecondsOf } from './processes.js';

const pod = (spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '', ...metadata },
  spec,
});

describe('how long a pod may take to end', () => {
  it.each([
    ['what its manifest says', pod({ terminationGracePeriodSeconds: 45 }), 45],
    ['nothing at all, where it says so', pod({ terminationGracePeriodSeconds: 0 }), 0],
    ['30 seconds where it says nothing, as on a cluster', pod({}), 30],
    [
      'what whoever deleted it said',
      pod({ terminationGracePeriodSeconds: 45 }, { deletionGracePeriodSeconds: 3 }),
      3,
    ],
  ])('%s', (_what, object, seconds) => {
    expect(graceSecondsOf(object)).toBe(seconds);
  });
});

describe('processes that are asked to end', () => {
  /** Takes its time, and says that it ended by itself. */
  const slow = (ms: number): string =>
    `process.on('SIGTERM', () => setTimeout(() => process.exit(7), ${ms})); console.log('up'); setInterval(() => 0, 1000)`;
  const started = async (ms: number): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['-e', slow(ms)], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    return child;
  };
  const isThere = ({ exitCode, signalCode, pid }: ChildProcess): readonly number[] =>
    exitCode === null && signalCode === null && pid !== undefined ? [pid] : [];

  it.each([
    {
      what: 'have their grace time, and no longer',
      ...{ takesMs: 1500, graceMs: 60_000, end: { exitCode: 7, signalCode: null } },
    },
    {
      what: 'are made to when it is over',
      ...{ takesMs: 600_000, graceMs: 300, end: { exitCode: null, signalCode: 'SIGKILL' } },
    },
  ])('$what', async ({ takesMs, graceMs, end }) => {
    const child = await started(takesMs);
    await endProcesses(() => Promise.resolve(isThere(child)), graceMs, FOR_SERVERS);
    expect(child).toMatchObject(end);
  });
});
