import http from 'node:http';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, list, number, record, text } from '../store/object.js';
import { CLAIM, POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, keptFiles, NAMESPACE } from '../testing/manifests.js';
import { RELEASE_HOST, releaseFiles, type ReleaseOptions } from '../testing/release-manifests.js';

const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/blog--release`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=${encodeURIComponent('fullstackagent.dev/workload=release')}`;

/** Says its version and a variable, and after /die nothing more. */
const server = (version: string): string => `
const http = require('node:http');
require('node:fs').appendFileSync('written-by-the-app', 'x');
console.log('version ${version} begins');
http.createServer((request, response) => {
  if (request.url === '/die') process.exit(3);
  response.end('${version} ' + (process.env.MODE ?? '') + ' ' + process.env.NODE_ENV);
}).listen(process.env.PORT, '127.0.0.1');
`;

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.create();
  await engine.repository.commit(blogFiles());
  await engine.start();
  await engine.readyPod();
});
afterAll(() => engine.remove());

const workspace = (): string => join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');

async function snapshot(content: string, command = 'node app.js'): Promise<string> {
  await mkdir(workspace(), { recursive: true });
  await writeFile(join(workspace(), 'app.js'), content);
  const body = { project: 'blog', command };
  const answer = await engine.kube(`${POD}/snapshot`, { method: 'POST', body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return `snapshot.local/${NAMESPACE}/blog@${text(answer.body, 'digest') ?? ''}`;
}

const release = (options: ReleaseOptions): Promise<string> =>
  engine.repository.commit({ ...blogFiles(), ...releaseFiles(options) });

function ask(path = '/'): Promise<string> {
  const options = { host: '127.0.0.1', port: engine.ingressPort, path, headers: { host: RELEASE_HOST } };
  return new Promise((resolve) => {
    http
      .get(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve(`${response.statusCode ?? 0} ${Buffer.concat(chunks).toString()}`);
        });
        response.on('error', () => {
          resolve('cut off');
        });
      })
      .on('error', () => {
        resolve('cut off');
      });
  });
}

const answers = (expected: string): Promise<unknown> =>
  until(async () => ((await ask()) === `200 ${expected}` ? true : undefined), `the answer ${expected}`);

const pods = async (): Promise<readonly unknown[]> => list((await engine.kube(PODS)).body, 'items');
const container = async (): Promise<unknown> => at((await pods())[0], 'status', 'containerStatuses', 0);

describe('a release', () => {
  it('runs from a snapshot, whatever becomes of the workspace, and gives way to the next', async () => {
    const first = await snapshot(server('one'));
    await release({ image: first, env: { MODE: 'a' } });
    await answers('one a production');
    await writeFile(join(workspace(), 'app.js'), server('changed'));
    expect(await ask()).toBe('200 one a production');

    const seen = new Set<string>();
    const second = await snapshot(server('two'));
    await release({ image: second, env: { MODE: 'b' } });
    await until(async () => {
      seen.add(await ask());
      return seen.has('200 two b production') ? true : undefined;
    }, 'the second version');
    // The first goes when the second answers: whoever asked in between was answered.
    expect([...seen].filter((answer) => !answer.startsWith('200'))).toEqual([]);
    await until(async () => ((await pods()).length === 1 ? true : undefined), 'one pod');

    await release({ image: first, env: { MODE: 'a' } });
    await answers('one a production');
    const { body } = await engine.kube(DEPLOYMENT);
    await until(async () => {
      const { body: now } = await engine.kube(DEPLOYMENT);
      return number(now, 'status', 'replicas') === 1 && number(now, 'status', 'availableReplicas') === 1
        ? true
        : undefined;
    }, 'a deployment of one pod that answers');
    expect(text(body, 'kind')).toBe('Deployment');
  });

  it('is started again when it ends, from what was released', async () => {
    await release({ image: await snapshot(server('mortal')) });
    await answers('mortal  production');
    await ask('/die');
    await until(async () => {
      const status = await container();
      return number(status, 'restartCount') === 1 && at(status, 'ready') === true ? true : undefined;
    }, 'a ready container that ended once');
    expect(number(await container(), 'lastState', 'terminated', 'exitCode')).toBe(3);
    await answers('mortal  production');
  });

  it('that does not come up leaves the one before it, and says how it ended', async () => {
    await release({ image: await snapshot(server('good')) });
    await answers('good  production');
    await release({ image: await snapshot('console.error("no database"); process.exit(7)') });
    const broken = await until(async () => {
      const statuses = (await pods()).map((pod) => at(pod, 'status', 'containerStatuses', 0));
      return statuses.find(
        (status) =>
          number(status, 'lastState', 'terminated', 'exitCode') === 7 &&
          text(status, 'state', 'waiting', 'reason') === 'CrashLoopBackOff',
      );
    }, 'a container that waits after it ended with 7');
    expect(text(broken, 'state', 'waiting', 'message')).toContain('no database');
    expect(text(broken, 'lastState', 'terminated', 'message')).toBe('no database');
    const { startedAt, finishedAt } = record(broken, 'lastState', 'terminated');
    expect([startedAt, finishedAt].map((time) => Number.isNaN(Date.parse(String(time))))).toEqual([
      false,
      false,
    ]);
    expect(await ask()).toBe('200 good  production');
    await release({ image: await snapshot(server('mended')) });
    await answers('mended  production');
  });

  it('ends in its own time when it is asked to, by SIGTERM alone', async () => {
    const trace = join(engine.home, 'trace');
    const slow = `
process.on('SIGTERM', () => setTimeout(() => {
  require('node:fs').writeFileSync(${JSON.stringify(trace)}, 'ended in order');
  process.exit(0);
}, 1000));
${server('slow')}`;
    await release({ image: await snapshot(slow) });
    await answers('slow  production');
    await engine.repository.commit(blogFiles());
    await until(async () => ((await pods()).length === 0 ? true : undefined), 'no pod');
    expect(await readFile(trace, 'utf8')).toBe('ended in order');
  });

  it('that listens nowhere is ended, and told so', async () => {
    await release({ image: await snapshot('setInterval(() => {}, 1000)'), startupSeconds: 1 });
    await until(async () => {
      const messages = (await pods()).map((pod) =>
        text(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'message'),
      );
      return messages.some((message) => message?.includes('Nothing listened at port 3000 in time'))
        ? true
        : undefined;
    }, 'a container that waits, and says why');
  });

  it.each([
    { image: `registry.example.com/blog@sha256:${'0'.repeat(64)}`, reason: 'ErrImagePull' },
    { image: `snapshot.local/${NAMESPACE}/blog@sha256:${'0'.repeat(64)}`, reason: 'ErrImageNeverPull' },
    { image: `snapshot.local/ns-zzzz9999/blog@sha256:${'0'.repeat(64)}`, reason: 'ErrImageNeverPull' },
  ])('of an image that is not here says so: $image', async ({ image, reason }) => {
    await release({ image });
    await until(async () => {
      const found = (await pods()).some(
        (pod) =>
          text(pod, 'spec', 'containers', 0, 'image') === image &&
          text(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason') === reason,
      );
      return found ? true : undefined;
    }, reason);
  });

  it('has no part of what only a cluster does, and the objects say so', async () => {
    const { body } = await engine.kube(
      `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/blog--release`,
    );
    expect(text(body, 'status', 'conditions', 0, 'message')).toBe(
      'The local engine does not scale: one pod of the release runs.',
    );
  });

  it('ends with its project’s stop, and when it is taken down', async () => {
    const image = await snapshot(server('last'));
    await release({ image });
    await answers('last  production');
    await release({ image, replicas: 0 });
    await until(async () => ((await pods()).length === 0 ? true : undefined), 'no pod');
    await release({ image });
    await answers('last  production');
    await engine.repository.commit(blogFiles());
    await until(async () => ((await pods()).length === 0 ? true : undefined), 'no pod');
    await engine.gone(DEPLOYMENT);
    expect(await ask()).toMatch(/^404 /);
  });
});

describe('a snapshot', () => {
  it('is of a sandbox, and asked for with a project and a command', async () => {
    for (const body of [
      {},
      { project: 'blog' },
      { project: 'shop', command: 'x' },
      { project: 'blog', command: '' },
    ])
      expect((await engine.kube(`${POD}/snapshot`, { method: 'POST', body })).status).toBe(400);
    expect((await engine.kube(`${POD}/snapshot`)).status).toBe(405);
    const nowhere = `/api/v1/namespaces/${NAMESPACE}/pods/none-0/snapshot`;
    expect((await engine.kube(nowhere, { method: 'POST', body: {} })).status).toBe(404);
  });

  it('goes with its project for ever, and not before', async () => {
    await snapshot(server('to be forgotten'));
    const kept = (): Promise<readonly string[]> =>
      readdir(join(engine.home, 'snapshots', NAMESPACE, 'blog')).catch(() => []);
    expect(await kept()).not.toEqual([]);
    // The claim alone, as a deleted project has it; then without its protection; then nothing.
    const deleted = keptFiles();
    await engine.applied(await engine.repository.commit(deleted));
    await engine.gone(POD);
    expect(await kept()).not.toEqual([]);
    const unprotected = Object.entries(deleted).map(([path, content]) => [
      path,
      content.replace('disabled', 'enabled'),
    ]);
    await engine.applied(
      await engine.repository.commit(Object.fromEntries(unprotected) as Record<string, string>),
    );
    await engine.repository.commit({ 'README.md': 'nothing' });
    await engine.gone(CLAIM);
    await until(async () => ((await kept()).length === 0 ? true : undefined), 'no snapshot');
  });
});
