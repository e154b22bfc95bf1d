import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, makeInformer, Watch, type V1ConfigMap } from '@kubernetes/client-node';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { startExec } from '../exec/start.js';
import { pollUntil } from '../files/polling.js';
import { at, text, type KubeObject, type Manifest } from '../store/object.js';
import { Store } from '../store/store.js';
import { Kubectl, kubectlPath } from '../testing/kubectl.js';
import { EventRecorder } from '../workloads/events.js';
import { registerNode } from '../workloads/node.js';
import { writeKubeconfig } from './kubeconfig.js';
import { ApiServer } from './server.js';
import { servingCertificate, type ServingCertificate } from './serving-certificate.js';

/** Without kubectl its tests are skipped, except in CI, which installs it: there they fail. */
const skipWithoutKubectl = kubectlPath === undefined && process.env['CI'] !== 'true';
const TOKEN = 'token-of-this-test';
const now = (): Date => new Date();
let tls: ServingCertificate;
let home: string;
let store: Store;
let server: ApiServer;
let kubectl: Kubectl;
let config: KubeConfig;
const closers: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  tls = await servingCertificate();
  home = await mkdtemp(join(tmpdir(), 'fsa-api-'));
});

afterAll(() => rm(home, { recursive: true, force: true }));

beforeEach(async () => {
  store = new Store({ now, historyLength: 50 });
  server = new ApiServer({
    store,
    token: TOKEN,
    tls,
    exec: (_pod, request) =>
      startExec(request, {
        cwd: home,
        env: { PATH: searchPath(), HOME: home },
        command: (file, args) => ({ file, args }),
      }),
    log: pino({ level: 'silent' }),
  });
  const port = await server.listen(0);
  const kubeconfig = await writeKubeconfig(home, { port, token: TOKEN, certificate: tls.certificate });
  config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  kubectl = new Kubectl(kubeconfig, home);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await server.close();
});

const configMap = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
  store.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns-a', labels }, data });

const podManifest: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'blog-0', namespace: 'ns-a', labels: { app: 'blog' } },
  spec: { nodeName: 'local', containers: [{ name: 'sandbox', image: 'example/sandbox:1' }] },
};

function runningPod(): KubeObject {
  store.apply(podManifest);
  const ref = { kind: 'Pod', namespace: 'ns-a', name: 'blog-0' };
  store.setStatus(ref, {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    podIP: '127.0.0.1',
    containerStatuses: [{ name: 'sandbox', restartCount: 0, state: { running: {} } }],
  });
  const pod = store.get(ref);
  if (pod === undefined) throw new Error('no pod');
  return pod;
}

const until = async (ask: () => boolean, what: () => string): Promise<void> => {
  const found = await pollUntil(() => (ask() ? true : undefined), { everyMs: 20, deadlineMs: 45_000 });
  if (found === undefined) throw new Error(`It never came to this: ${what()}`);
};

describe('the official client library', () => {
  it('keeps an informer up to date', async () => {
    configMap('first', { a: '1' });
    const api = config.makeApiClient(CoreV1Api);
    const informer = makeInformer<V1ConfigMap>(config, '/api/v1/namespaces/ns-a/configmaps', () =>
      api.listNamespacedConfigMap({ namespace: 'ns-a' }),
    );
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, (object) => seen.push(`${verb} ${object.metadata?.name ?? ''}`));
    // As Kubernetes' documentation has it: an informer that stopped is started again.
    informer.on('error', () => void informer.start());
    closers.push(() => informer.stop());
    await informer.start();
    configMap('second', { b: '1' });
    configMap('first', { a: '2' });
    store.remove({ kind: 'ConfigMap', namespace: 'ns-a', name: 'second' });
    await until(
      () => seen.includes('delete second'),
      () => seen.join(', '),
    );
    expect(seen).toEqual(['add first', 'add second', 'update first', 'delete second']);
  });

  it('is told to list again when it asks for what is too long ago', async () => {
    configMap('a', {});
    const old = String(store.version);
    for (let n = 0; n < 60; n += 1) configMap('a', { n: String(n) });
    const events: { type: string; object: unknown }[] = [];
    const ended = new Promise<void>((resolve) => {
      void new Watch(config).watch(
        '/api/v1/configmaps',
        { resourceVersion: old },
        (type: string, object: unknown) => events.push({ type, object }),
        () => {
          resolve();
        },
      );
    });
    await ended;
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('reads a list as a watch: what is there, and then a bookmark that says that this was all', async () => {
    configMap('a', {});
    configMap('b', {});
    const asked = {
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    };
    const events: { type: string; object: unknown }[] = [];
    const request = await new Watch(config).watch(
      '/api/v1/configmaps',
      { ...asked, resourceVersion: String(store.version) },
      (type: string, object: unknown) => events.push({ type, object }),
      () => undefined,
    );
    closers.push(() => {
      request.abort();
    });
    await until(
      () => events.length === 3,
      () => JSON.stringify(events),
    );
    expect(events.map(({ type, object }) => `${type} ${text(object, 'metadata', 'name') ?? ''}`)).toEqual([
      ...['ADDED a', 'ADDED b', 'BOOKMARK '],
    ]);
    expect(text(events[2]?.object, 'metadata', 'annotations', 'k8s.io/initial-events-end')).toBe('true');
    expect(text(events[2]?.object, 'metadata', 'resourceVersion')).toBe(String(store.version));
    configMap('a', { n: '1' });
    await until(
      () => events[3]?.type === 'MODIFIED',
      () => JSON.stringify(events),
    );
  });

  it('sees an object leave and enter what it selects', async () => {
    configMap('a', {}, { tier: 'web' });
    const events: string[] = [];
    const request = await new Watch(config).watch(
      '/api/v1/namespaces/ns-a/configmaps',
      { labelSelector: 'tier=web', resourceVersion: String(store.version) },
      (type: string, object: V1ConfigMap) => events.push(`${type} ${object.metadata?.name ?? ''}`),
      () => undefined,
    );
    closers.push(() => {
      request.abort();
    });
    configMap('other', {}, { tier: 'db' });
    configMap('a', {}, { tier: 'db' });
    configMap('a', { changed: 'unseen' }, { tier: 'db' });
    configMap('a', {}, { tier: 'web' });
    configMap('a', { changed: 'seen' }, { tier: 'web' });
    await until(
      () => events.length >= 3,
      () => events.join(', '),
    );
    expect(events).toEqual(['DELETED a', 'ADDED a', 'MODIFIED a']);
  });
});

describe.skipIf(skipWithoutKubectl)('stock kubectl (skipped where there is none)', () => {
  it('prints tables, in pages of its own size', async () => {
    runningPod();
    for (let n = 0; n < 7; n += 1) configMap(`map-${n}`, { a: 'b' });
    const pods = await kubectl.run('get', 'pods', '-A', '-o', 'wide');
    expect(pods).toMatchObject({ code: 0, stderr: '' });
    expect(pods.stdout).toMatch(/NAMESPACE\s+NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE/);
    expect(pods.stdout).toMatch(/ns-a\s+blog-0\s+1\/1\s+Running\s+0\s+\d+s\s+127\.0\.0\.1\s+local/);
    const maps = await kubectl.run('get', 'cm', '-n', 'ns-a', '--chunk-size=2', '--no-headers');
    expect(maps.stdout.trim().split('\n')).toHaveLength(7);
    const all = await kubectl.run('get', 'all', '-n', 'ns-a', '-o', 'name');
    expect(all).toMatchObject({ code: 0, stdout: 'pod/blog-0\n' });
  });

  it('prints objects, by labels and by fields', async () => {
    runningPod();
    const yaml = await kubectl.run('get', 'pod', 'blog-0', '-n', 'ns-a', '-o', 'yaml');
    expect(yaml.stdout).toContain('phase: Running');
    const select = (...args: string[]) => kubectl.run('get', 'pods', '-A', '-o', 'name', ...args);
    expect((await select('-l', 'app in (blog)')).stdout).toBe('pod/blog-0\n');
    expect((await select('-l', 'app!=blog')).stdout).toBe('');
    expect((await select('--field-selector', 'status.phase=Running')).stdout).toBe('pod/blog-0\n');
    expect((await select('--field-selector', 'status.phase=Pending')).stdout).toBe('');
    expect((await select('--sort-by', '.metadata.name')).stdout).toBe('pod/blog-0\n');
  });

  it('describes a pod with its events, and a node', async () => {
    new EventRecorder(store, now).note(runningPod(), 'Started', 'Started container sandbox');
    await registerNode(store, {
      isolation: { kind: 'none', reason: 'bubblewrap is not installed.' },
      postgresql: '18.1',
    });
    const pod = await kubectl.run('describe', 'pod', 'blog-0', '-n', 'ns-a');
    expect(pod).toMatchObject({ code: 0, stderr: '' });
    expect(pod.stdout).toMatch(/Normal\s+Started\s+\S+\s+fullstackagent-engine\s+Started container sandbox/);
    const node = await kubectl.run('describe', 'node', 'local');
    expect(node.stdout).toContain('fullstackagent.dev/isolation: none');
  });

  it('waits for a condition', async () => {
    store.apply(podManifest);
    const waiting = kubectl.run('wait', 'pod/blog-0', '-n', 'ns-a', '--for=condition=Ready', '--timeout=20s');
    runningPod();
    expect(await waiting).toMatchObject({ code: 0, stdout: 'pod/blog-0 condition met\n' });
  });

  it('watches', async () => {
    runningPod();
    const watching = kubectl.start('get', 'pods', '-n', 'ns-a', '-w');
    let output = '';
    watching.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    closers.push(() => {
      watching.kill();
    });
    await until(
      () => output.includes('Running'),
      () => output,
    );
    store.markDeleted({ kind: 'Pod', namespace: 'ns-a', name: 'blog-0' }, 10);
    await until(
      () => output.includes('Terminating'),
      () => output,
    );
  });

  it('follows the log of a pod until the pod is gone', async () => {
    const pod = runningPod();
    const events = new EventRecorder(store, now);
    events.note(pod, 'Started', 'Started container sandbox');
    const following = kubectl.start('logs', '-f', 'blog-0', '-n', 'ns-a');
    let output = '';
    following.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((resolve) => following.once('close', resolve));
    await until(
      () => output.includes('Started: Started container sandbox'),
      () => output,
    );
    events.note(pod, 'Killing', 'Stopping container sandbox');
    await until(
      () => output.includes('Killing: Stopping container sandbox'),
      () => output,
    );
    store.remove({ kind: 'Pod', namespace: 'ns-a', name: 'blog-0' });
    expect(await ended).toBe(0);
    const last = await kubectl.run('logs', 'blog-0', '-n', 'ns-a');
    expect(last.stderr).toContain('not found');
  });

  it('deletes a pod: it is asked to end, and only then gone', async () => {
    const { uid } = runningPod().metadata;
    const ref = { kind: 'Pod', namespace: 'ns-a', name: 'blog-0' };
    const dry = await kubectl.run('delete', 'pod', 'blog-0', '-n', 'ns-a', '--dry-run=server');
    expect(dry.code).toBe(0);
    expect(store.get(ref)?.metadata.deletionTimestamp).toBeUndefined();
    const asked: number[] = [];
    store.onChange(({ type, object }) => {
      if (type !== 'MODIFIED' || object.metadata.uid !== uid) return;
      asked.push(object.metadata.deletionGracePeriodSeconds ?? -1);
      queueMicrotask(() => {
        store.remove(ref);
      });
    });
    const deleted = await kubectl.run('delete', 'pod', 'blog-0', '-n', 'ns-a', '--grace-period=3');
    expect(deleted).toMatchObject({ code: 0, stdout: 'pod "blog-0" deleted\n' });
    expect(asked).toEqual([3]);
  });

  it.each([
    ['attach', ['attach', 'blog-0', '-n', 'ns-a'], /"attach" is not served .* terminal in the portal/],
    ['label', ['label', 'pod', 'blog-0', '-n', 'ns-a', 'a=b'], /changes go through git/],
    ['delete', ['delete', 'cm', 'map', '-n', 'ns-a'], /changes go through git/],
    ['create', ['create', 'cm', 'x', '-n', 'ns-a'], /changes go through git/],
  ])('is told in a sentence why not: %s', async (_name, args, sentence) => {
    runningPod();
    configMap('map', {});
    const { code, stderr } = await kubectl.run(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(sentence);
    expect(store.list('ConfigMap')).toHaveLength(1);
  });

  it('knows the kinds by their short names', async () => {
    const { code, stdout } = await kubectl.run('api-resources', '-o', 'name');
    expect(code).toBe(0);
    for (const name of ['pods', 'clusters.apps.kubeblocks.io', 'kustomizations.kustomize.toolkit.fluxcd.io'])
      expect(stdout).toContain(`${name}\n`);
    store.apply({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { name: 'blog', namespace: 'ns-a' },
    });
    const found = await kubectl.run('get', 'ks', 'blog', '-n', 'ns-a', '-o', 'json');
    expect(text(JSON.parse(found.stdout), 'metadata', 'name')).toBe('blog');
    expect(at(JSON.parse(found.stdout), 'kind')).toBe('Kustomization');
  });
});
