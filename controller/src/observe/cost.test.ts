import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClusterForTests, until, type ClusterObject } from '../shared/cluster-for-tests.js';
import { KubeApi, kubeConfigSource } from '../shared/kube-api.js';
import { sleep } from '../shared/sleep.js';
import { ClusterObserver } from './observer.js';
import { watchedResources } from './resources.js';

/** Work is counted, not timed: requests, objects looked at, projects told about. */

const PROJECTS = 2_000;
const SETS = '/apis/apps/v1/statefulsets';
const NAMESPACE = 'ns-abcd1234';

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

const counts = { looked: 0, told: [] as string[], ticks: 0 };
let folder: string;
let cluster: ClusterForTests;
let observer: ClusterObserver;
let ended: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cost-'));
  cluster = new ClusterForTests();
  for (let index = 0; index < PROJECTS; index++) cluster.put(SETS, setOf(`p${index}`, 1));
  await cluster.start(SETS);
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
  observer = new ClusterObserver({
    api: new KubeApi(kubeConfigSource(join(folder, 'kubeconfig'))),
    resources: watchedResources({}).map((resource) => ({
      ...resource,
      trim: (object) => {
        counts.looked += 1;
        return resource.trim(object);
      },
    })),
    intervalMs: 20,
    now: () => new Date(),
    // Kinds that are not there are not looked for again, however long a test takes.
    sleep: (ms, signal) => sleep(ms > 10_000 ? 3_600_000 : Math.min(ms, 20), signal),
    random: () => 0.5,
    onOutage: () => undefined,
    onRecovery: () => undefined,
  });
  observer.onChange((keys) => counts.told.push(...keys.map(({ name }) => name)));
  observer.onTick(() => (counts.ticks += 1));
  ended = observer.run();
  await until(() => observer.freshness().state === 'fresh', 'a first observation');
  await until(() => counts.told.length >= PROJECTS, 'everything to be told once');
  await until(() => cluster.watches(SETS) === 1, 'the watch');
  reset();
});

afterEach(async () => {
  observer.stop();
  await ended;
  await cluster.stop();
  await rm(folder, { recursive: true });
});

function reset(): void {
  Object.assign(counts, { looked: 0, told: [], ticks: 0 });
  cluster.requests.length = 0;
}

/** Other requests than the one that asks whether the server is there. */
const requests = (): readonly string[] => cluster.requests.filter((path) => path !== '/version');

test('nothing happens: nothing is looked at, however many there are and however long it takes', async () => {
  await until(() => counts.ticks >= 5, 'some time to pass');
  expect(counts).toMatchObject({ looked: 0, told: [] });
  expect(requests()).toEqual([]);
});

test('three changes of two projects: three objects are looked at, two projects are told about', async () => {
  cluster.put(SETS, setOf('p7', 2));
  cluster.put(SETS, setOf('p7', 3));
  cluster.put(SETS, setOf('p9', 2));
  await until(() => counts.told.includes('p9'), 'the changes');
  expect(counts.looked).toBe(3);
  expect([...new Set(counts.told)].sort()).toEqual(['p7', 'p9']);
  expect(requests()).toEqual([]);
});

test('a watch that breaks costs one request and what happened meanwhile', async () => {
  cluster.dropWatches(SETS, 'end');
  cluster.put(SETS, setOf('p7', 2));
  await until(() => counts.told.length > 0, 'the change');
  expect(counts.looked).toBe(1);
  expect(requests()).toHaveLength(1);
});

test('a list that has to be read again is looked through, and tells about what changed only', async () => {
  cluster.dropWatches(SETS, 'end');
  cluster.put(SETS, setOf('p7', 2));
  cluster.forgetHistory(SETS);
  await until(() => counts.told.length > 0, 'the change');
  expect(counts.looked).toBe(PROJECTS);
  expect(counts.told).toEqual(['p7']);
});
