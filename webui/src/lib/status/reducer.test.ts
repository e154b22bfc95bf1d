import type { ProjectDto } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import { parseEvent, reduce, staleSeconds } from './reducer.js';

const project = (id: string, changes: Partial<ProjectDto> = {}): ProjectDto => ({
  id,
  namespace: 'ns-aaaa1111',
  displayName: id,
  desiredState: 'Running',
  preset: 'small',
  image: 'sandbox:1',
  storage: '10Gi',
  agent: 'claude',
  urls: { app: `http://${id}.localhost`, terminal: `http://${id}-ttyd.localhost` },
  version: 'v1',
  status: 'CREATING',
  resources: [],
  freshness: { state: 'fresh' },
  allowedActions: ['stop', 'delete'],
  ...changes,
});

describe('reduce', () => {
  const blog = project('blog');
  const shop = project('shop');

  it('takes a snapshot as the whole truth and keeps what did not change', () => {
    const next = reduce([blog, shop], { type: 'snapshot', projects: [project('shop'), project('new')] });
    expect(next.map(({ id }) => id)).toEqual(['shop', 'new']);
    expect(next[0]).toBe(shop);
  });

  it('replaces one project in its place', () => {
    const running = project('blog', { status: 'RUNNING' });
    const next = reduce([blog, shop], { type: 'project', project: running });
    expect(next).toEqual([running, shop]);
    expect(next[1]).toBe(shop);
  });

  it('adds a project it did not know', () => {
    expect(reduce([blog], { type: 'project', project: shop })).toEqual([blog, shop]);
  });

  it('tells equal names of two namespaces apart', () => {
    const theirs = project('blog', { namespace: 'ns-bbbb2222' });
    const list = reduce([blog], { type: 'project', project: theirs });
    expect(list).toHaveLength(2);
    expect(reduce(list, { type: 'removed', namespace: 'ns-bbbb2222', id: 'blog' })).toEqual([blog]);
  });
});

describe('reduce with freshness', () => {
  it('ages everything at once', () => {
    const next = reduce([project('a'), project('b')], {
      type: 'freshness',
      freshness: { state: 'stale', ageSeconds: 12 },
    });
    expect(next.map(({ freshness }) => freshness)).toEqual([
      { state: 'stale', ageSeconds: 12 },
      { state: 'stale', ageSeconds: 12 },
    ]);
  });
});

describe('parseEvent', () => {
  it('reads the events', () => {
    expect(parseEvent('{"type":"snapshot","projects":[]}')).toEqual({ type: 'snapshot', projects: [] });
    expect(parseEvent('{"type":"removed","namespace":"n","id":"a"}')?.type).toBe('removed');
    expect(parseEvent('{"type":"freshness","freshness":{"state":"fresh"}}')?.type).toBe('freshness');
    expect(parseEvent(JSON.stringify({ type: 'project', project: project('a') }))?.type).toBe('project');
  });

  it.each(['', 'not json', 'null', '[]', '{"type":"future"}', '{"type":"snapshot"}', '{"type":"toString"}'])(
    'passes over %j',
    (data) => {
      expect(parseEvent(data)).toBeUndefined();
    },
  );
});

describe('staleSeconds', () => {
  it('is the age of the oldest', () => {
    const stale = (age: number): ProjectDto =>
      project('a', { freshness: { state: 'stale', ageSeconds: age } });
    expect(staleSeconds([stale(4), stale(40), project('b', { freshness: { state: 'never' } })])).toBe(40);
    expect(staleSeconds([project('b')])).toBe(0);
  });
});
