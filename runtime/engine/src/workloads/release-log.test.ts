import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { list, number, text } from '../store/object.js';
import { POD, TestEngine, until } from '../testing/engine-harness.js';
import { Kubectl, kubectlPath } from '../testing/kubectl.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { releaseFiles } from '../testing/release-manifests.js';

/** Says which life it is in, and ends with 3 when it is told to. */
const APP = `
const { appendFileSync, readFileSync } = require('node:fs');
appendFileSync('lives', 'x');
const life = readFileSync('lives', 'utf8').length;
console.log('life', life, 'begins');
let asked = 0;
require('node:http').createServer((request, response) => {
  if (request.url === '/die') { console.error('life', life, 'ends'); process.exit(3); }
  asked += 1;
  console.log('life', life, 'was asked', asked);
  response.end('up');
}).listen(process.env.PORT, '127.0.0.1');
`;

let engine: TestEngine;
let kubectl: Kubectl;
let home = '';
let pod = '';

beforeAll(async () => {
  engine = await TestEngine.create();
  await engine.repository.commit(blogFiles());
  await engine.start();
  await engine.readyPod();
  const workspace = join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
  await mkdir(workspace, { recursive: true });
  await writeFile(join(workspace, 'app.js'), APP);
  const body = { project: 'blog', command: 'exec node app.js' };
  const taken = await engine.kube(`${POD}/snapshot`, { method: 'POST', body });
  const image = `snapshot.local/${NAMESPACE}/blog@${text(taken.body, 'digest') ?? ''}`;
  await engine.repository.commit({ ...blogFiles(), ...releaseFiles({ image }) });
  pod = await until(async () => {
    const { body: pods } = await engine.kube(`/api/v1/namespaces/${NAMESPACE}/pods`);
    const names = list(pods, 'items').map((item) => text(item, 'metadata', 'name') ?? '');
    return names.find((name) => name.startsWith('blog--release-'));
  }, 'a pod of the release');
  await ready(0);
  home = await mkdtemp(join(tmpdir(), 'fsa-release-log-'));
  kubectl = new Kubectl(join(engine.home, 'kubeconfig'), home);
}, 180_000);

afterAll(async () => {
  await engine.remove();
  await rm(home, { recursive: true, force: true });
});

const ready = (restarts: number): Promise<unknown> =>
  until(async () => {
    const { body } = await engine.kube(`/api/v1/namespaces/${NAMESPACE}/pods/${pod}`);
    const [status] = list(body, 'status', 'containerStatuses');
    return number(status, 'restartCount') === restarts && JSON.stringify(status).includes('"ready":true')
      ? true
      : undefined;
  }, `a ready container that was started again ${restarts} times`);

const ask = async (path = '/'): Promise<void> => {
  const port = await engine.portOf('blog--release', 'app');
  await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
};

const logs = async (...args: readonly string[]): Promise<string> => {
  const said = await kubectl.run('logs', pod, '-n', NAMESPACE, ...args);
  return said.stdout + said.stderr;
};

describe.skipIf(kubectlPath === undefined && process.env['CI'] !== 'true')(
  'the log of a release, with stock kubectl (skipped where there is none)',
  () => {
    it('is what it printed, and of nobody else', async () => {
      await ask();
      await until(async () => ((await logs()).includes('was asked') ? true : undefined), 'its words');
      expect(await logs('--limit-bytes=6')).toBe('life 1');
      expect(await logs('--tail=1')).toBe('life 1 was asked 1\n');
      expect((await logs()).split('\n')[0]).toBe('life 1 begins');
      expect(await logs('--timestamps')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z life 1 begins\n/);
      expect(await logs('--since=1h')).toContain('life 1 begins');
      expect(await logs('--since-time=2100-01-01T00:00:00Z')).toBe('');
      expect(await logs('-c', 'app')).toContain('life 1 begins');
      expect(await logs('-c', 'other')).toContain('container other is not valid for pod');
      expect(await logs('--previous')).toContain(
        `previous terminated container "app" in pod "${pod}" not found`,
      );
    });

    it('is followed over a restart, and the life before can be read', async () => {
      const following = kubectl.start('logs', '-f', '--tail=1', pod, '-n', NAMESPACE);
      let seen = '';
      following.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      await until(() => (seen.includes('life 1') ? true : undefined), 'what was there');
      await ask('/die');
      await until(() => (seen.includes('life 2 begins') ? true : undefined), 'the next life');
      following.kill();
      expect(seen).toMatch(/^life 1 was asked 1\nlife 1 ends\nlife 2 begins\n/);
      await ready(1);
      expect(await logs()).toMatch(/^life 2 begins\n/);
      expect(await logs('--previous', '--tail=1')).toBe('life 1 ends\n');
    });

    it('and what became of it are told as kubectl describe tells them', async () => {
      const { stdout } = await kubectl.run('describe', 'pod', pod, '-n', NAMESPACE);
      for (const pattern of [
        /State:\s+Running/,
        /Last State:\s+Terminated\n\s+Reason:\s+Error\n\s+Message:\s+life 1 /,
        /Exit Code:\s+3\n\s+Started:\s+.*\n\s+Finished:/,
        /Restart Count:\s+1/,
        /Startup:\s+tcp-socket :app delay=0s timeout=2s period=1s #success=1 #failure=60/,
        /Normal\s+Started\s+\S+ \(x2 over \S+\)\s+\S+\s+Started container app/,
        /Warning\s+BackOff\s+\S+\s+\S+\s+Back-off restarting failed container app in pod blog--release-/,
      ])
        expect(stdout).toMatch(pattern);
    });

    it('is kept over a restart of the engine', async () => {
      await engine.stop();
      await engine.start();
      await ready(0);
      expect(await logs('--previous')).toMatch(/^life 2 begins\n/);
    });
  },
);
