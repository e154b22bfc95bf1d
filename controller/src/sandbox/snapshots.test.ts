import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import { KubeApi } from '../shared/kube-api.js';
import { temporaryFolder } from '../shared/repository-for-tests.js';
import type { Runner } from './exec-stream.js';
import { SandboxFiles } from './files.js';
import { localRunner } from './local-runner-for-tests.js';
import { Snapshots } from './snapshots.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const PATH = process.env['PATH'] ?? '';
const digest = `sha256:${'1'.repeat(64)}`;

const runnerIn = (cwd: string): Runner => localRunner({ cwd, env: { PATH } });

/** An API server that answers every snapshot with this. */
async function apiOf(status: number, answer: object, asked: unknown[] = []): Promise<KubeApi> {
  const server: Server = createServer((request, response) => {
    void json(request).then((body) => {
      asked.push({ path: request.url, body });
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const config = new KubeConfig();
  const port = (server.address() as AddressInfo).port;
  config.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u' },
  );
  return new KubeApi(() => Promise.resolve(config));
}

async function open(files: Readonly<Record<string, string>>, api?: KubeApi): Promise<Snapshots> {
  const root = join(await temporaryFolder(), 'workspace');
  await mkdir(root);
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  return new Snapshots({
    api: api ?? (await apiOf(500, {})),
    files: new SandboxFiles(runnerIn(root)),
    offered: true,
  });
}

it.each([
  { why: 'nothing', files: {}, expected: {} },
  {
    why: 'a start script',
    files: { 'package.json': '{"scripts":{"start":"next start"}}' },
    expected: { command: 'npm start', from: 'package.json' },
  },
  { why: 'no start script', files: { 'package.json': '{"scripts":{"dev":"x"}}' }, expected: {} },
  { why: 'no JSON', files: { 'package.json': '{' }, expected: {} },
  {
    why: 'a Procfile before package.json',
    files: { 'package.json': '{"scripts":{"start":"x"}}', Procfile: 'worker: a\nweb: gunicorn app  \n' },
    expected: { command: 'gunicorn app', from: 'Procfile' },
  },
  { why: 'a Procfile without web', files: { Procfile: 'worker: a\n' }, expected: {} },
])('a workspace with $why says how its app is started', async ({ files, expected }) => {
  expect(await (await open(files)).startCommand(key)).toEqual(expected);
});

it('a file that is longer than it says is not read to its end', async () => {
  const runner = runnerIn(await temporaryFolder());
  const files = new SandboxFiles({
    run: () => runner.run(key, ['sh', '-c', 'echo file 5; exec yes']),
  });
  const snapshots = new Snapshots({ api: await apiOf(500, {}), files, offered: true });
  await expect(snapshots.startCommand(key)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
});

it('is taken with the command that was typed, or that the workspace names', async () => {
  const asked: unknown[] = [];
  const api = await apiOf(201, { digest, files: 2, bytes: 10 }, asked);
  const snapshots = await open({ 'package.json': '{"scripts":{"start":"x"}}' }, api);
  const image = `snapshot.local/ns-ab3cd4ef/blog@${digest}`;
  expect(await snapshots.take(key, { command: 'node x' })).toEqual({
    image,
    command: 'node x',
    files: 2,
    bytes: 10,
  });
  await snapshots.take(key, {});
  const path = '/api/v1/namespaces/ns-ab3cd4ef/pods/blog-0/snapshot';
  expect(asked).toEqual([
    { path, body: { project: 'blog', command: 'node x' } },
    { path, body: { project: 'blog', command: 'npm start' } },
  ]);
});

it('is refused beside the field where nobody says how the app is started', async () => {
  await expect((await open({})).take(key, {})).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    errors: [expect.objectContaining({ field: 'command' }) as unknown],
  });
});

it('says the engine’s own sentence where it refuses, and that the sandbox does not run where there is none', async () => {
  const refusal = { kind: 'Status', message: 'The workspace is too large to be released.' };
  const tooLarge = (await open({}, await apiOf(400, refusal))).take(key, { command: 'x' });
  await expect(tooLarge).rejects.toMatchObject({
    code: 'ACTION_NOT_ALLOWED',
    message: 'The workspace is too large to be released.',
  });
  const none = (await open({}, await apiOf(404, { kind: 'Status' }))).take(key, { command: 'x' });
  await expect(none).rejects.toMatchObject({ code: 'NOT_READY' });
});
