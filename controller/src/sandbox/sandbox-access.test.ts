import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClusterForTests } from '../shared/cluster-for-tests.js';
import { KubeApi, kubeConfigSource } from '../shared/kube-api.js';
import { DatabaseAccess } from './database.js';
import { machineReader } from './machine.js';
import { SandboxAccess } from './sandbox-access.js';

const NAMESPACE = 'ns-abcd1234';
const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const blog = { namespace: NAMESPACE, name: 'blog' };

let folder: string;
let cluster: ClusterForTests;
let api: KubeApi;
let access: SandboxAccess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  cluster = new ClusterForTests();
  await cluster.start(SLICES, SECRETS, '/api/v1/nodes');
  await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
  api = new KubeApi(kubeConfigSource(join(folder, 'kubeconfig')));
  access = new SandboxAccess(api);
});

afterEach(async () => {
  await cluster.stop().catch(() => undefined);
  await rm(folder, { recursive: true });
});

function slice(service: string, port: { name: string; port: number }, endpoints: object[]): void {
  const labels = { 'kubernetes.io/service-name': service };
  cluster.put(SLICES, {
    metadata: { name: `${service}-1`, namespace: NAMESPACE, labels },
    ports: [port],
    endpoints,
  });
}

function secret(name: string, values: Record<string, string>): void {
  const data = Object.fromEntries(
    Object.entries(values).map(([k, v]) => [k, Buffer.from(v).toString('base64')]),
  );
  cluster.put(SECRETS, { metadata: { name, namespace: NAMESPACE }, data });
}

describe('the terminal', () => {
  test('is where a ready endpoint of the Service says', async () => {
    slice('blog', { name: 'ttyd', port: 40123 }, [
      { addresses: ['10.0.0.1'], conditions: { ready: false } },
      { addresses: ['127.0.0.1'], conditions: { ready: true } },
    ]);
    slice('shop', { name: 'ttyd', port: 1 }, [{ addresses: ['10.0.0.9'] }]);
    expect(await access.terminalAddress(blog)).toEqual({ host: '127.0.0.1', port: 40123 });
  });

  test.each([
    ['no slice', (): void => undefined],
    ['no endpoint', (): void => slice('blog', { name: 'ttyd', port: 1 }, [])],
    [
      'none ready',
      (): void =>
        slice('blog', { name: 'ttyd', port: 1 }, [{ addresses: ['a'], conditions: { ready: false } }]),
    ],
    ['another port', (): void => slice('blog', { name: 'app', port: 3000 }, [{ addresses: ['a'] }])],
  ])('%s: not running', async (_what, arrange) => {
    arrange();
    await expect(access.terminalAddress(blog)).rejects.toMatchObject({
      code: 'NOT_READY',
      message: 'The sandbox is not running.',
    });
  });

  test("its token is the Secret's, whatever characters it has", async () => {
    await expect(access.terminalToken(blog)).rejects.toMatchObject({ code: 'NOT_READY' });
    secret('blog--terminal', { TTYD_ACCESS_TOKEN: 'tökén+/=' });
    expect(await access.terminalToken(blog)).toBe('tökén+/=');
  });

  test('a cluster that is away is not a sandbox that does not run', async () => {
    await cluster.stop();
    await expect(access.terminalAddress(blog)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });

  test('a cluster that refuses says so, and not what', async () => {
    cluster.fail(SLICES, 403);
    await expect(access.terminalAddress(blog)).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
  });
});

describe('the database', () => {
  test('by its name inside a cluster; no password unless it is asked for', async () => {
    secret('blog--db-postgresql-account-postgres', { username: 'postgres', password: 'p' });
    expect(await new DatabaseAccess(access, 'service').describe(blog)).toEqual({
      host: `blog--db-postgresql-postgresql.${NAMESPACE}.svc.cluster.local`,
      port: 5432,
      user: 'postgres',
      database: 'postgres',
    });
  });

  test('where it listens, on one machine', async () => {
    slice('blog--db-postgresql-postgresql', { name: 'tcp-postgresql', port: 40500 }, [
      { addresses: ['127.0.0.1'] },
    ]);
    expect(await new DatabaseAccess(access, 'endpoint').describe(blog)).toMatchObject({
      host: '127.0.0.1',
      port: 40500,
    });
  });

  test('revealed: a URL that any password survives', async () => {
    const password = 'p@ss:w/rd?#%';
    secret('blog--db-postgresql-account-postgres', { username: 'postgres', password });
    const revealed = await new DatabaseAccess(access, 'service').reveal(blog);
    expect(revealed.password).toBe(password);
    const url = new URL(revealed.url ?? '');
    expect(decodeURIComponent(url.password)).toBe(password);
    expect(`${url.hostname}:${url.port}${url.pathname}`).toBe(`${revealed.host}:5432/postgres`);
  });

  test('not set up yet', async () => {
    await expect(new DatabaseAccess(access, 'service').reveal(blog)).rejects.toMatchObject({
      code: 'NOT_READY',
    });
  });
});

describe('the machine', () => {
  const node = (annotations: object): void =>
    cluster.put('/api/v1/nodes', { metadata: { name: 'local', annotations } });

  test('a cluster keeps sandboxes apart', async () => {
    const read = machineReader({ api, cluster: 'kubernetes', runsAsRoot: true });
    expect(await read()).toEqual({ isolation: 'cluster', runsAsRoot: false });
  });

  test('the engine says it on its node', async () => {
    const read = machineReader({ api, cluster: 'engine', runsAsRoot: true });
    expect(await read()).toEqual({ isolation: 'none', runsAsRoot: true });
    node({
      'fullstackagent.dev/isolation': 'bubblewrap',
      'fullstackagent.dev/network': 'own',
      'fullstackagent.dev/postgresql': '18.1',
    });
    expect(await read()).toEqual({
      ...{ isolation: 'bubblewrap', runsAsRoot: false, network: 'own' },
      databasesRun: '18.1',
    });
    node({
      'fullstackagent.dev/isolation': 'bubblewrap',
      'fullstackagent.dev/network': 'shared',
      'fullstackagent.dev/network-reason': 'pasta is not installed.',
    });
    expect(await machineReader({ api, cluster: 'engine', runsAsRoot: true })()).toEqual({
      ...{ isolation: 'bubblewrap', runsAsRoot: false, network: 'shared' },
      isolationReason: 'pasta is not installed.',
    });
  });

  test('an engine that cannot be asked, or says something unheard of, is taken for the weakest', async () => {
    node({ 'fullstackagent.dev/isolation': 'perfect' });
    const read = machineReader({ api, cluster: 'engine', runsAsRoot: false });
    expect(await read()).toEqual({ isolation: 'none', runsAsRoot: false });
    await cluster.stop();
    expect(await machineReader({ api, cluster: 'engine', runsAsRoot: true })()).toEqual({
      isolation: 'none',
      runsAsRoot: true,
    });
  });
});
