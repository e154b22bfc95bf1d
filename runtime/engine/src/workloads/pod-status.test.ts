import { describe, expect, it } from 'vitest';
import { at, text } from '../store/object.js';
import { podStatus } from './pod-status.js';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'app-0',
    namespace: 'team',
    uid: 'c0ffee00-0000-4000-8000-000000000000',
    resourceVersion: '1',
    creationTimestamp: '2026-03-01T09:00:00Z',
  },
  spec: { containers: [{ name: 'app', image: 'app' }] },
};
const STARTED = new Date('2026-03-01T10:00:00.250Z');
const ENDED = new Date('2026-03-01T10:00:02.750Z');

const after = (exitCode: number, output: string): unknown =>
  at(
    podStatus(
      POD,
      { phase: 'Running', restarts: 1, ended: { exitCode, startedAt: STARTED, at: ENDED, output } },
      ENDED,
    ),
    'containerStatuses',
    0,
    'lastState',
    'terminated',
  );

describe('the life of a container that ended', () => {
  it('has its times in whole seconds and the end of what it printed', () => {
    expect(after(7, 'no database\n')).toEqual({
      exitCode: 7,
      reason: 'Error',
      startedAt: '2026-03-01T10:00:00Z',
      finishedAt: '2026-03-01T10:00:02Z',
      message: 'no database',
    });
  });

  it('says nothing where it ended well or printed nothing, as the kubelet', () => {
    expect(after(0, 'done\n')).toEqual(
      expect.not.objectContaining({ message: expect.anything() as unknown }),
    );
    expect(after(1, '')).toEqual(expect.not.objectContaining({ message: expect.anything() as unknown }));
  });

  it('keeps 80 lines', () => {
    const lines = Array.from({ length: 100 }, (_, index) => String(index));
    expect(text(after(1, lines.join('\n')), 'message')).toBe(lines.slice(20).join('\n'));
  });

  it('keeps 2,048 bytes, and no half of a character', () => {
    const message = text(after(1, `x${'é'.repeat(1500)}y`), 'message') ?? '';
    expect(message).toBe(`${'é'.repeat(1023)}y`);
  });
});
