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
  const SLOW = `process.on('SIGTERM', () => setTimeout(() => process.exit(7), 1500)); console.log('up'); setInterval(() => 0, 1000)`;
  const started = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['-e', SLOW], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    return child;
  };
  const isThere = ({ exitCode, signalCode, pid }: ChildProcess): readonly number[] =>
    exitCode === null && signalCode === null && pid !== undefined ? [pid] : [];

  it.each([
    ['have their grace time, and no longer', 30_000, { exitCode: 7, signalCode: null }],
    ['are made to when it is over', 300, { exitCode: null, signalCode: 'SIGKILL' }],
  ])('%s', async (_what, graceMs, end) => {
    const child = await started();
    await endProcesses(() => Promise.resolve(isThere(child)), graceMs, FOR_SERVERS);
    expect(child).toMatchObject(end);
  });
});
