import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterForTests, until } from '../shared/cluster-for-tests.js';
import { KubeApi, kubeConfigSource } from '../shared/kube-api.js';
import { sleep } from '../shared/sleep.js';
import { text, type Json } from '../shared/json.js';
import { Reflector } from './reflector.js';
import type { WatchedResource } from './resources.js';

const PODS = '/api/v1/pods';

let folder: string;
let cluster: ClusterForTests;
let reflector: Reflector;
let ended: Promise<void>;
/** How long each pause would have been. */
let pauses: number[];
let known: Map<string, Json>;
let lists: number;
let contacts: boolean[];

const nameOf = (object: Json): string => text(object, 'metadata', 'name') ?? '';

function begin(changes: Partial<WatchedResource> = {}, random = 0.5): void {
  const resource: WatchedResource = {
    kind: 'pod',
    path: PODS,
    query: {},
    trim: (object) => object,
    projectOf: () => undefined,
    ...changes,
  };
  reflector = new Reflector(new KubeApi(kubeConfigSource(join(folder, 'kubeconfig'))), resource, {
    now: () => new Date(),
    random: () => random,
    sleep: (ms, signal) => {
      pauses.push(ms);
      return sleep(1, signal);
    },
    onList: (objects) => {
      lists += 1;
      known = new Map(objects.map((object) => [nameOf(object), object]));
    },
    onPut: (object) => known.set(nameOf(object), object),
    onRemove: (object) => known.delete(nameOf(object)),
    onContact: (inTouch) => contacts.push(inTouch),
  });
  ended = reflector.run();
}

const pod = (name: string): { metadata: { name: string; namespace: string } } => ({
  metadata: { name, namespace: 'n' },
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reflector-'));
  cluster = new ClusterForTests();
  pauses = [];
  known = new Map();
  lists = 0;
  contacts = [];
  await cluster.start(PODS);
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
});

afterEach(async () => {
  reflector.stop();
  await ended;
  await cluster.stop().catch(() => undefined);
  await rm(folder, { recursive: true });
});

describe('a server that is too busy or broken is left alone, longer each time', () => {
  test.each([429, 500, 503])('%d', async (status) => {
    cluster.fail(PODS, ...Array<number>(7).fill(status));
    begin({}, 1);
    await until(() => lists === 1, 'the list');
    expect(pauses.slice(0, 7)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(contacts.slice(0, 2)).toEqual([false, true]);
  });

  test('with jitter: a half of each pause is chance', async () => {
    cluster.fail(PODS, 503, 503, 503);
    begin({}, 0);
    await until(() => lists === 1, 'the list');
    expect(pauses.slice(0, 3)).toEqual([125, 250, 500]);
  });

  test('as long as it asks for, and never shorter by chance', async () => {
    cluster.fail(PODS, { status: 429, retryAfter: 7 }, { status: 503, retryAfter: 100_000 });
    begin({}, 0);
    await until(() => lists === 1, 'the list');
    expect(pauses.slice(0, 2)).toEqual([7_000, 60_000]);
  });

  test('and after a good while it is trusted as before', async () => {
    cluster.fail(PODS, 503, 503, 503);
    begin({}, 1);
    await until(() => cluster.watches(PODS) === 1, 'the watch');
    cluster.put(PODS, pod('a'));
    await until(() => known.has('a'), 'the pod');
    pauses = [];
    cluster.fail(PODS, 503);
    cluster.dropWatches(PODS, 'cut');
    await until(() => cluster.watches(PODS) === 1, 'the next watch');
    expect(pauses[0]).toBe(250);
  });
});

describe('a kind that need not be there', () => {
  test.each([403, 404])('%d: it is done without, and that is no outage', async (status) => {
    cluster.fail(PODS, ...Array<number>(10_000).fill(status));
    begin({ optional: true });
    await until(() => lists > 0, 'an empty list');
    expect(contacts).toEqual([true]);
    expect(pauses[0]).toBeGreaterThan(20_000);
  });

  test('429 is no answer to whether it is there', async () => {
    cluster.put(PODS, pod('a'));
    cluster.fail(PODS, 429);
    begin({ optional: true });
    await until(() => lists === 1, 'the list');
    expect([...known.keys()]).toEqual(['a']);
  });
});

describe('a kind that an older server has by an older version', () => {
  const NEW = '/apis/new/v1/pods';

  test('is read by that version where the server does not know the first', async () => {
    cluster.put(PODS, pod('a'));
    begin({ path: NEW, olderPath: PODS });
    await until(() => known.has('a'), 'the pod');
    await until(() => cluster.watches(PODS) === 1, 'the watch');
    cluster.put(PODS, pod('b'));
    await until(() => known.has('b'), 'what the watch tells');
    expect([contacts, lists]).toEqual([[true], 1]);
  });

  test('is looked for by both again, as long as neither is there', async () => {
    begin({ path: NEW, olderPath: '/apis/new/v1alpha1/pods' });
    await until(() => lists >= 2, 'a second look');
    expect(cluster.asked(NEW, '')).toBeGreaterThanOrEqual(2);
    expect(cluster.asked('/apis/new/v1alpha1/pods', '')).toBeGreaterThanOrEqual(2);
    expect([known.size, contacts]).toEqual([0, [true]]);
    expect(pauses.every((pause) => pause > 15_000)).toBe(true);
  });

  test('is not read twice where both are served', async () => {
    cluster.put(PODS, pod('a'));
    begin({ path: PODS, olderPath: NEW });
    await until(() => cluster.watches(PODS) === 1, 'the watch');
    expect(cluster.asked(NEW, '')).toBe(0);
  });
});

describe('bookmarks', () => {
  test('a watch that breaks is taken up from the last one', async () => {
    begin();
    await until(() => cluster.watches(PODS) === 1, 'the watch');
    const version = cluster.bookmark(PODS);
    cluster.dropWatches(PODS, 'end');
    await until(() => cluster.asked(PODS, `resourceVersion=${version}`) === 1, 'the watch from there');
    expect(cluster.asked(PODS, 'allowWatchBookmarks=true')).toBeGreaterThan(0);
    expect(lists).toBe(1);
  });
});

describe('a list in pages', () => {
  test('whose first page is forgotten before the last is read begins again, and is whole', async () => {
    for (let index = 0; index < 600; index++) cluster.put(PODS, pod(`p${index}`));
    // The first page is answered; the second is not.
    cluster.fail(PODS, undefined, 410);
    begin();
    await until(() => lists === 1, 'the list');
    expect(known.size).toBe(600);
    expect(cluster.asked(PODS, 'continue=')).toBe(2);
  });
});
