import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ObservedApplier } from '../model/facts.js';
import { ClusterForTests, until, type ClusterObject } from '../shared/cluster-for-tests.js';
import { KubeApi, kubeConfigSource } from '../shared/kube-api.js';
import { sleep } from '../shared/sleep.js';
import { ClusterObserver } from './observer.js';
import { watchedResources } from './resources.js';

const PODS = '/api/v1/pods';
const SETS = '/apis/apps/v1/statefulsets';
const CLUSTERS = '/apis/apps.kubeblocks.io/v1/clusters';
const APPLIERS = '/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations';
const all = [
  PODS,
  SETS,
  APPLIERS,
  '/api/v1/persistentvolumeclaims',
  '/apis/bitnami.com/v1alpha1/sealedsecrets',
];

const NAMESPACE = 'ns-abcd1234';
const blog = { namespace: NAMESPACE, name: 'blog' };

const podOf = (project: string, ready: boolean): ClusterObject => ({
  metadata: {
    name: `${project}-0`,
    namespace: NAMESPACE,
    labels: { 'fullstackagent.dev/project': project, 'fullstackagent.dev/workload': 'sandbox' },
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const setOf = (project: string, replicas: number): ClusterObject => ({
  metadata: {
    name: project,
    namespace: NAMESPACE,
    generation: 1,
    labels: { 'fullstackagent.dev/project': project, 'app.kubernetes.io/managed-by': 'fullstackagent' },
  },
  spec: { replicas },
  status: { observedGeneration: 1 },
});

let folder: string;
let cluster: ClusterForTests;
let observer: ClusterObserver;
let changes: string[];
let outages: unknown[];
let recoveries: number;
let ended: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observer-'));
  cluster = new ClusterForTests();
  changes = [];
  outages = [];
  recoveries = 0;
  observer = new ClusterObserver({
    api: new KubeApi(kubeConfigSource(join(folder, 'kubeconfig'))),
    resources: watchedResources({ flux: (): ObservedApplier => ({ current: true }) }),
    intervalMs: 20,
    now: () => new Date(),
    // The pauses of the real thing, shortened: what is tested is what happens after them.
    sleep: (ms, signal) => sleep(Math.min(ms, 25), signal),
    random: () => 0.5,
    onOutage: (error) => outages.push(error),
    onRecovery: () => (recoveries += 1),
  });
  observer.onChange((keys) => changes.push(...keys.map((key) => key.name)));
});

afterEach(async () => {
  observer.stop();
  await ended;
  await cluster.stop().catch(() => undefined);
  await rm(folder, { recursive: true });
});

async function startBoth(): Promise<void> {
  await cluster.start(...all);
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
  ended = observer.run();
  await until(() => observer.freshness().state === 'fresh', 'a first observation');
}

test('lists, then follows: added, changed, gone', async () => {
  cluster.put(SETS, setOf('blog', 1));
  await startBoth();
  expect(observer.observed(blog).statefulSet).toMatchObject({
    name: 'blog',
    replicas: 1,
    generationObserved: true,
  });
  cluster.put(PODS, podOf('blog', false));
  await until(() => observer.observed(blog).pods.length === 1, 'the pod');
  cluster.put(PODS, podOf('blog', true));
  await until(() => observer.observed(blog).pods[0]?.ready === true, 'the pod to be ready');
  cluster.delete(PODS, NAMESPACE, 'blog-0');
  await until(() => observer.observed(blog).pods.length === 0, 'the pod to be gone');
  cluster.delete(SETS, NAMESPACE, 'blog');
  await until(() => observer.observed(blog).statefulSet === undefined, 'everything to be gone');
});

test('only what matters here is published, gathered by project', async () => {
  await startBoth();
  changes = [];
  const heartbeat = (beat: number): ClusterObject => ({ ...podOf('blog', true), spec: { beat } });
  cluster.put(PODS, heartbeat(1));
  cluster.put(SETS, setOf('blog', 1));
  await until(() => changes.length > 0, 'a change');
  for (const beat of [2, 3, 4]) cluster.put(PODS, heartbeat(beat));
  cluster.put(PODS, podOf('shop', true));
  await until(() => changes.includes('shop'), 'the change of the other project');
  expect(changes).toEqual(['blog', 'shop']);
});

test('objects of others are not looked at', async () => {
  await startBoth();
  changes = [];
  cluster.put(APPLIERS, { metadata: { name: 'flux-system', namespace: 'flux-system' } });
  cluster.put(APPLIERS, { metadata: { name: 'tenant', namespace: NAMESPACE } });
  cluster.put(APPLIERS, { metadata: { name: 'blog', namespace: NAMESPACE } });
  await until(() => changes.length > 0, 'a change');
  expect(changes).toEqual(['blog']);
});

test('a list in pages is one list', async () => {
  for (let index = 0; index < 1001; index++) cluster.put(PODS, podOf(`p${index}`, true));
  await startBoth();
  expect(observer.observed({ namespace: NAMESPACE, name: 'p0' }).pods).toHaveLength(1);
  expect(observer.observed({ namespace: NAMESPACE, name: 'p1000' }).pods).toHaveLength(1);
  expect(cluster.asked(PODS, 'continue=')).toBe(2);
});

test.each(['end', 'cut'] as const)(
  'a watch that is dropped (%s) goes on where it was, without a new list',
  async (how) => {
    cluster.put(PODS, podOf('blog', false));
    await startBoth();
    await until(() => cluster.watches(PODS) === 1, 'the watch');
    const lists = cluster.asked(PODS, 'limit=');
    cluster.dropWatches(PODS, how);
    cluster.put(PODS, podOf('blog', true));
    await until(() => observer.observed(blog).pods[0]?.ready === true, 'the change made meanwhile');
    expect(cluster.asked(PODS, 'limit=')).toBe(lists);
  },
);

test('a version the server has forgotten (410) means a new list, and what vanished meanwhile is gone', async () => {
  cluster.put(PODS, podOf('blog', true));
  cluster.put(PODS, podOf('shop', true));
  await startBoth();
  await until(() => cluster.watches(PODS) === 1, 'the watch');
  const lists = cluster.asked(PODS, 'limit=');
  cluster.dropWatches(PODS, 'end');
  cluster.delete(PODS, NAMESPACE, 'shop-0');
  cluster.forgetHistory(PODS);
  await until(
    () => observer.observed({ namespace: NAMESPACE, name: 'shop' }).pods.length === 0,
    'the pod to be gone',
  );
  expect(cluster.asked(PODS, 'limit=')).toBeGreaterThan(lists);
  expect(observer.observed(blog).pods).toHaveLength(1);
});

test('a running watch that is told 410 lists again', async () => {
  await startBoth();
  await until(() => cluster.watches(PODS) === 1, 'the watch');
  cluster.forgetHistory(PODS);
  await until(() => cluster.asked(PODS, 'limit=') === 2, 'the second list');
  cluster.put(PODS, podOf('blog', true));
  await until(() => observer.observed(blog).pods.length === 1, 'the pod');
});

test('a server that answers 500 makes everything stale, keeps what was known, and is told once', async () => {
  cluster.put(PODS, podOf('blog', true));
  await startBoth();
  outages = [];
  cluster.fail('/version', ...Array<number>(10_000).fill(500));
  await until(() => observer.freshness().state === 'stale', 'staleness');
  expect(observer.observed(blog).pods).toHaveLength(1);
  cluster.fail('/version');
  await until(() => observer.freshness().state === 'fresh', 'recovery');
  expect(outages).toHaveLength(1);
});

test('one kind that cannot be listed is an outage too', async () => {
  await startBoth();
  cluster.fail(PODS, ...Array<'cut'>(10_000).fill('cut'));
  cluster.dropWatches(PODS, 'cut');
  await until(() => observer.freshness().state === 'stale', 'staleness');
  cluster.fail(PODS);
  await until(() => observer.freshness().state === 'fresh', 'recovery');
});

test('a list that is refused from the start is told, though the server is there', async () => {
  await cluster.start(...all);
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
  cluster.fail(SETS, ...Array<number>(10_000).fill(403));
  ended = observer.run();
  await until(() => outages.length === 1, 'the outage to be told');
  expect(String(outages[0])).toContain(SETS);
  expect(observer.freshness()).toEqual({ state: 'never' });
});

test('never before the first list; the server may come later, its kubeconfig too', async () => {
  ended = observer.run();
  await until(() => outages.length === 1, 'the outage to be told');
  expect(observer.freshness()).toEqual({ state: 'never' });
  await cluster.start(...all);
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
  await until(() => observer.freshness().state === 'fresh', 'a first observation');
  expect(outages).toHaveLength(1);
  expect(recoveries).toBe(1);
});

test('a server that goes away: stale with a growing age, and fresh again when it is back', async () => {
  cluster.put(PODS, podOf('blog', true));
  await startBoth();
  outages = [];
  await cluster.stop();
  await until(() => {
    const freshness = observer.freshness();
    return freshness.state === 'stale' && freshness.ageSeconds >= 1;
  }, 'an age');
  await cluster.start();
  await until(() => observer.freshness().state === 'fresh', 'recovery');
  expect(outages).toHaveLength(1);
  expect(observer.observed(blog).pods).toHaveLength(1);
});

test('another server at the same place, with versions of its own: what the first one had is gone', async () => {
  cluster.put(PODS, podOf('blog', true));
  for (let index = 0; index < 20; index++) cluster.put(PODS, podOf('shop', index % 2 === 0));
  await startBoth();
  await cluster.stop();
  await until(() => observer.freshness().state === 'stale', 'staleness');
  const other = new ClusterForTests();
  other.put(PODS, podOf('blog', true));
  for (let index = 0; index < 50; index++) other.put(PODS, podOf('cafe', index % 2 === 0));
  await other.start(...all);
  await other.writeKubeconfig(join(folder, 'kubeconfig'));
  cluster = other;
  await until(
    () => observer.observed({ namespace: NAMESPACE, name: 'cafe' }).pods.length === 1,
    'the new pods',
  );
  await until(
    () => observer.observed({ namespace: NAMESPACE, name: 'shop' }).pods.length === 0,
    'the old ones to go',
  );
  expect(observer.observed(blog).pods).toHaveLength(1);
});

test('a kind without its CRD is none of these, and is found when it is installed', async () => {
  await startBoth();
  expect(cluster.asked(CLUSTERS, '')).toBeGreaterThan(0);
  cluster.put(CLUSTERS, {
    metadata: {
      name: 'blog--db',
      namespace: NAMESPACE,
      generation: 2,
      labels: { 'fullstackagent.dev/project': 'blog', 'app.kubernetes.io/managed-by': 'fullstackagent' },
    },
    status: {
      phase: 'Running',
      observedGeneration: 2,
      components: { postgresql: { phase: 'Running', upToDate: true } },
    },
  });
  await until(() => observer.observed(blog).database?.phase === 'Running', 'the database');
  expect(observer.observed(blog).database).toMatchObject({ upToDate: true, generationObserved: true });
});
