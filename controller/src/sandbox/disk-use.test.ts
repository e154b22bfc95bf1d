import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KubeApi } from '../shared/kube-api.js';
import { DiskUse } from './disk-use.js';

const blog = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const VOLUME = '/api/v1/namespaces/ns-ab3cd4ef/persistentvolumeclaims/blog--workspace/usage';
const DATABASE = '/apis/apps.kubeblocks.io/v1/namespaces/ns-ab3cd4ef/clusters/blog--db/usage';
const measuredAt = '2026-11-28T12:00:00.000Z';

let server: Server;
let api: KubeApi;
let answers: Map<string, { status: number; body: object }>;

beforeEach(async () => {
  answers = new Map();
  server = createServer((request, response) => {
    const { status, body } = answers.get(request.url ?? '') ?? { status: 404, body: {} };
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const config = new KubeConfig();
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'c', server: at, skipTLSVerify: true }, { name: 'u' });
  api = new KubeApi(() => Promise.resolve(config));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const engine = (): DiskUse => new DiskUse({ api, offered: true });

it('tells what the engine measured, of a project without a database too', async () => {
  answers.set(VOLUME, { status: 200, body: { usedBytes: 5, measuredAt, freeBytes: 9 } });
  expect(await engine().of(blog)).toEqual({
    known: true,
    workspace: { bytes: 5, measuredAt },
    freeBytes: 9,
  });
  answers.set(DATABASE, { status: 200, body: { freeBytes: 9 } });
  expect(await engine().of(blog)).toMatchObject({ workspace: { bytes: 5 }, database: {} });
});

it('tells that the disk of the machine is nearly full, also of a project that has nothing on it', async () => {
  const nodes = (status: string): object => ({
    items: [
      {
        status: {
          conditions: [
            { type: 'Ready', status: 'True' },
            { type: 'DiskPressure', status },
          ],
        },
      },
    ],
  });
  answers.set('/api/v1/nodes', { status: 200, body: nodes('True') });
  expect(await engine().of(blog)).toEqual({ known: true, nearlyFull: true });
  answers.set('/api/v1/nodes', { status: 200, body: nodes('False') });
  expect(await engine().of(blog)).toEqual({ known: true });
});

it('knows nothing on a cluster, and asks nobody', async () => {
  answers.set(VOLUME, { status: 200, body: { usedBytes: 5, freeBytes: 9 } });
  expect(await new DiskUse({ api, offered: false }).of(blog)).toEqual({ known: false });
});

it('an engine that cannot answer is not the same as nothing on the disk', async () => {
  answers.set(VOLUME, { status: 500, body: {} });
  await expect(engine().of(blog)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  answers.clear();
  expect(await engine().of(blog)).toEqual({ known: true });
});
