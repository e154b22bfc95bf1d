import { describe, expect, test } from 'vitest';
import { noticeOf, noticesProject } from './notices.js';

const event = (kind: string, name: string, changes: object = {}): Record<string, unknown> => ({
  type: 'Warning',
  reason: 'FailedMount',
  message: 'timed out',
  lastTimestamp: '2026-11-23T08:00:05Z',
  involvedObject: { kind, name, namespace: 'ns-abcd1234', uid: 'u1' },
  ...changes,
});

describe('whose an event is, by the name of what it is about', () => {
  test.each([
    ['Pod', 'blog-0', 'blog', 'sandbox'],
    ['Pod', 'my-blog-2-0', 'my-blog-2', 'sandbox'],
    ['Pod', 'blog--db-postgresql-0', 'blog', 'database'],
    ['Pod', 'data-blog--db-postgresql-0', 'data-blog', 'database'],
    ['Pod', 'blog--release-6d4cf56db6-x7x2z', 'blog', 'release'],
    ['PersistentVolumeClaim', 'blog--workspace', 'blog', 'volume'],
    ['PersistentVolumeClaim', 'data-blog--workspace', 'data-blog', 'volume'],
    ['PersistentVolumeClaim', 'data-blog--db-postgresql-0', 'blog', 'database'],
  ])('%s %s', (kind, name, ...[project, about]) => {
    expect(noticesProject(event(kind, name))).toEqual({ namespace: 'ns-abcd1234', name: project });
    expect(noticeOf(event(kind, name)).about).toBe(about);
  });

  test.each(['coredns', 'blog-1', 'x--y', ''])('nobody: %s', (name) => {
    expect(noticesProject(event('Pod', name))).toBeUndefined();
  });

  test('nor what is in a namespace that is not a tenant', () => {
    const about = { kind: 'Pod', name: 'blog-0', namespace: 'kube-system' };
    expect(noticesProject(event('Pod', 'blog-0', { involvedObject: about }))).toBeUndefined();
  });
});

test('what is kept of an event, written by either generation of recorders', () => {
  const expected = {
    about: 'sandbox',
    uid: 'u1',
    reason: 'FailedMount',
    message: 'timed out',
    warning: true,
  };
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
  expect(noticeOf(event('Pod', 'blog-0'))).toEqual({ ...expected, at: at(5) });
  const series = { eventTime: '2026-11-23T08:00:01Z', series: { lastObservedTime: '2026-11-23T08:00:09Z' } };
  expect(noticeOf(event('Pod', 'blog-0', { lastTimestamp: null, ...series }))).toEqual({
    ...expected,
    at: at(9),
  });
});
