import { describe, expect, it } from 'vitest';
import type { Manifest } from './object.js';
import { Store, type Change } from './store.js';

const now = (): Date => new Date('2026-11-23T08:00:00.123Z');
const configMap = (data: Record<string, string>, labels?: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'ns', ...(labels === undefined ? {} : { labels }) },
  data,
});
const ref = { kind: 'ConfigMap', namespace: 'ns', name: 'a' };

describe('Store.apply', () => {
  it('gives a new object its identity', () => {
    const { metadata } = new Store({ now }).apply(configMap({ x: '1' }));
    expect(metadata).toMatchObject({
      name: 'a',
      namespace: 'ns',
      generation: 1,
      creationTimestamp: '2026-11-23T08:00:00Z',
    });
    expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('changes nothing and tells nobody when nothing changed', () => {
    const store = new Store({ now });
    const first = store.apply(configMap({ x: '1' }, { a: 'b' }));
    const told: Change[] = [];
    store.onChange((change) => told.push(change));
    expect(store.apply(configMap({ x: '1' }, { a: 'b' }))).toBe(first);
    expect(told).toEqual([]);
  });

  it('counts a generation for content, not for labels', () => {
    const store = new Store({ now });
    store.apply(configMap({ x: '1' }));
    expect(store.apply(configMap({ x: '1' }, { a: 'b' })).metadata.generation).toBe(1);
    expect(store.apply(configMap({ x: '2' }, { a: 'b' })).metadata).toMatchObject({
      generation: 2,
      labels: { a: 'b' },
    });
    expect(store.apply(configMap({ x: '2' })).metadata.labels).toBeUndefined();
  });

  it('keeps the status that a manifest knows nothing of', () => {
    const store = new Store({ now });
    store.apply(configMap({ x: '1' }));
    store.setStatus(ref, { phase: 'Bound' });
    store.apply(configMap({ x: '2' }));
    expect(store.get(ref)).toMatchObject({ data: { x: '2' }, status: { phase: 'Bound' } });
  });

  it('takes no status from a manifest', () => {
    const store = new Store({ now });
    store.apply({ ...configMap({}), status: { phase: 'Forged' } });
    expect(store.get(ref)?.['status']).toBeUndefined();
  });
});

describe('Store.since', () => {
  it('replays what happened after a version, in order', () => {
    const store = new Store({ now });
    store.apply(configMap({ x: '1' }));
    const { version } = store;
    store.apply(configMap({ x: '2' }));
    store.remove(ref);
    expect(store.since(version)?.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    expect(store.since(store.version)).toEqual([]);
  });

  it('says so where it does not remember that far', () => {
    const store = new Store({ now, historyLength: 2 });
    for (const x of ['1', '2', '3', '4']) store.apply(configMap({ x }));
    expect(store.since(1)).toBeUndefined();
    expect(store.since(store.version + 5)).toBeUndefined();
    expect(store.since(store.version - 2)).toHaveLength(2);
  });
});

describe('Store.markDeleted', () => {
  it('sets the time once, and the object stays until it is removed', () => {
    const store = new Store({ now });
    store.apply(configMap({}));
    const marked = store.markDeleted(ref, 10);
    expect(marked?.metadata).toMatchObject({
      deletionTimestamp: '2026-11-23T08:00:00Z',
      deletionGracePeriodSeconds: 10,
    });
    expect(store.markDeleted(ref, 99)).toBe(marked);
    store.remove(ref);
    expect(store.get(ref)).toBeUndefined();
  });
});
