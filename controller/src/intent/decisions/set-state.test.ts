import type { ProjectDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import type { ProjectAction } from '../../contract/status.js';
import { project } from '../../shared/documents-for-tests.js';
import { setState } from './set-state.js';
import { key, viewOf, written } from './view-for-tests.js';

const at = new Date('2026-11-23T09:30:15.999Z');
const states: Readonly<Record<string, Partial<ProjectDocument['spec']>>> = {
  Running: { state: 'Running' },
  Stopped: { state: 'Stopped' },
  Deleted: { state: 'Deleted', deletedAt: '2026-11-01T00:00:00Z' },
};

const act = (state: string, action: ProjectAction): ReturnType<typeof setState> =>
  setState(viewOf([project('my-blog', states[state])]), { key: key('my-blog'), action, at });

describe('an action on a project', () => {
  const restarted = { state: 'Running', restartedAt: '2026-11-23T09:30:15Z' };
  const deleted = { state: 'Deleted', deletedAt: '2026-11-23T09:30:15Z' };
  it.each([
    ['Stopped', 'start', { state: 'Running' }],
    ['Running', 'stop', { state: 'Stopped' }],
    ['Running', 'restart', restarted],
    ['Running', 'delete', deleted],
    ['Stopped', 'delete', deleted],
    ['Deleted', 'restore', { state: 'Running' }],
  ] as const)('%s, %s: writes the new state and nothing else', (before, action, expected) => {
    const document = written(act(before, action));
    const unchanged = project('my-blog');
    expect(document).toEqual({ ...unchanged, spec: { ...unchanged.spec, ...expected } });
  });

  it.each([
    ['Running', 'start'],
    ['Stopped', 'stop'],
    ['Deleted', 'delete'],
  ] as const)('%s, %s: is so already, and writes nothing', (before, action) => {
    expect(act(before, action)).toEqual([]);
  });

  it.each([
    ['Stopped', 'restart', 'is stopped. Start it instead.'],
    ['Deleted', 'start', 'is deleted. Restore it first.'],
    ['Deleted', 'stop', 'is deleted. Restore it first.'],
    ['Deleted', 'restart', 'is deleted. Restore it first.'],
    ['Running', 'restore', 'is not deleted.'],
    ['Stopped', 'restore', 'is not deleted.'],
  ] as const)('%s, %s: is refused', (before, action, message) => {
    expect(() => act(before, action)).toThrow(`my-blog ${message}`);
    expect(() => act(before, action)).toThrow(expect.objectContaining({ code: 'ACTION_NOT_ALLOWED' }));
  });

  it('restarting twice in one second is once, and later is again', () => {
    const document = written(act('Running', 'restart'));
    const again = (now: Date): ReturnType<typeof setState> =>
      setState(viewOf([document]), { key: key('my-blog'), action: 'restart', at: now });
    expect(again(at)).toEqual([]);
    expect(written(again(new Date(at.getTime() + 1_000))).spec.restartedAt).toBe('2026-11-23T09:30:16Z');
  });

  it('needs the project', () => {
    const attempt = (): unknown => setState(viewOf([]), { key: key('none'), action: 'stop', at });
    expect(attempt).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
