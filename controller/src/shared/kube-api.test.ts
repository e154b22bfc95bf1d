import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterForTests, until } from './cluster-for-tests.js';
import { KubeApi, kubeConfigSource, KubeError, type WatchEvent } from './kube-api.js';

const PODS = '/api/v1/pods';

let folder: string;
let kubeconfig: string;
let cluster: ClusterForTests;
let api: KubeApi;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kube-'));
  kubeconfig = join(folder, 'kubeconfig');
  cluster = new ClusterForTests();
  await cluster.start(PODS);
  await cluster.writeKubeconfig(kubeconfig);
  api = new KubeApi(kubeConfigSource(kubeconfig));
});

afterEach(async () => {
  await cluster.stop().catch(() => undefined);
  await rm(folder, { recursive: true });
});

test('credentials come from the kubeconfig', async () => {
  expect(await api.get('/version')).toEqual({ gitVersion: 'v1.33.0' });
});

test('query values are escaped', async () => {
  await api.get(PODS, { labelSelector: 'a=b&watch=true' });
  expect(cluster.requests).toEqual([`${PODS}?labelSelector=a%3Db%26watch%3Dtrue`]);
});

describe('what goes wrong is classified here', () => {
  test.each([
    [404, 'CLUSTER_REFUSED'],
    [403, 'CLUSTER_REFUSED'],
    [429, 'CLUSTER_UNREACHABLE'],
    [500, 'CLUSTER_UNREACHABLE'],
  ])('%s is %s', async (status, code) => {
    cluster.fail(PODS, status);
    const error = await api.get(PODS).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ status, message: `${PODS}: as the test wants it` });
    expect((error as KubeError).toAppError().code).toBe(code);
  });

  test('nobody listens', async () => {
    await cluster.stop();
    await expect(api.get(PODS)).rejects.toMatchObject({ name: 'KubeError', status: undefined });
  });

  test('an answer that is cut off', async () => {
    cluster.fail(PODS, 'cut');
    await expect(api.get(PODS)).rejects.toMatchObject({ name: 'KubeError', status: undefined });
  });

  test('a kubeconfig that is not there, or is none', async () => {
    const missing = new KubeApi(kubeConfigSource(join(folder, 'elsewhere')));
    await expect(missing.get(PODS)).rejects.toMatchObject({ name: 'KubeError' });
    await writeFile(join(folder, 'broken'), '{{{');
    const broken = new KubeApi(kubeConfigSource(join(folder, 'broken')));
    await expect(broken.get(PODS)).rejects.toMatchObject({ name: 'KubeError' });
  });
});

test('a kubeconfig that changes is read again: the engine came back on another port', async () => {
  await api.get('/version');
  const other = new ClusterForTests();
  await other.start(PODS);
  await other.writeKubeconfig(kubeconfig);
  await api.get(PODS);
  expect(other.requests).toEqual([PODS]);
  await other.stop();
});

test('a watch hands on events in order, characters of several bytes whole, and ends with its signal', async () => {
  const events: WatchEvent[] = [];
  const abort = new AbortController();
  const watching = api.watch({
    path: PODS,
    query: {},
    signal: abort.signal,
    onEvent: (event) => events.push(event),
  });
  await until(() => cluster.watches(PODS) === 1, 'the watch');
  for (let index = 0; index < 50; index++)
    cluster.put(PODS, { metadata: { name: `p${index}` }, note: 'ä🙂'.repeat(5000) });
  await until(() => events.length === 50, 'the events');
  expect(events.map((event) => (event.object as { metadata: { name: string } }).metadata.name)).toEqual(
    Array.from({ length: 50 }, (_, index) => `p${index}`),
  );
  expect((events[49]?.object as { note: string }).note).toBe('ä🙂'.repeat(5000));
  abort.abort();
  await expect(watching).rejects.toBeInstanceOf(KubeError);
});
