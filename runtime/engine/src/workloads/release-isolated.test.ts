import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { probeIsolation } from '../isolation/index.js';
import { list, text } from '../store/object.js';
import { isReady, POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { releaseFiles } from '../testing/release-manifests.js';

const isolation = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });
const ownNetwork = isolation.kind === 'bubblewrap' && isolation.network.own;

/** Answers its probes as long as nobody makes it sick; takes its time to end. */
const APP = `
require('node:fs').rmSync('/app/sick', { force: true });
process.on('SIGTERM', () => setTimeout(() => { console.log('ended in order'); process.exit(0); }, 1000));
require('node:http').createServer((request, response) => {
  if (request.url === '/sick') require('node:fs').writeFileSync('/app/sick', '');
  response.writeHead(request.url === '/up' ? 200 : 404).end();
}).listen(process.env.PORT, '127.0.0.1');
`;

let engine: TestEngine;

const releasePod = async (): Promise<unknown> => {
  const { body } = await engine.kube(`/api/v1/namespaces/${NAMESPACE}/pods`);
  return list(body, 'items').find((pod) => text(pod, 'metadata', 'name')?.startsWith('blog--release-'));
};

describe.skipIf(!ownNetwork)('a release in namespaces of its own (only with bubblewrap and pasta)', () => {
  beforeAll(async () => {
    engine = await TestEngine.create('auto');
    await engine.repository.commit(blogFiles());
    await engine.start();
    await engine.readyPod();
    const workspace = join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
    await mkdir(workspace, { recursive: true });
    await writeFile(join(workspace, 'app.js'), APP);
    const body = { project: 'blog', command: 'exec node app.js' };
    const taken = await engine.kube(`${POD}/snapshot`, { method: 'POST', body });
    const image = `snapshot.local/${NAMESPACE}/blog@${text(taken.body, 'digest') ?? ''}`;
    const probes = {
      readinessProbe: { httpGet: { port: 'app', path: '/up' }, periodSeconds: 1 },
      livenessProbe: {
        exec: { command: ['sh', '-c', 'test -e /app/app.js && test ! -e /app/sick'] },
        ...{ periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1 },
      },
    };
    await engine.repository.commit({ ...blogFiles(), ...releaseFiles({ image, probes }) });
    await until(async () => (isReady(await releasePod()) ? true : undefined), 'a ready release');
  }, 180_000);
  afterAll(() => engine.remove());

  it('is asked there by all three kinds of probes, and started again where one gives it up', async () => {
    const port = await engine.portOf('blog--release', 'app');
    await fetch(`http://127.0.0.1:${port}/sick`);
    const status = await until(async () => {
      const found = list(await releasePod(), 'status', 'containerStatuses')[0];
      return text(found, 'lastState', 'terminated', 'reason') === undefined ? undefined : found;
    }, 'an ended container');
    // It was asked to end, and ended in its own time.
    expect(status).toMatchObject({ lastState: { terminated: { exitCode: 0, reason: 'Completed' } } });
  });

  it('has its grace time when the engine stops', async () => {
    const logs = join(engine.home, 'logs', NAMESPACE);
    const [folder = ''] = await readdir(logs);
    await until(async () => (isReady(await releasePod()) ? true : undefined), 'another life, that is ready');
    await engine.stop();
    expect(await readFile(join(logs, folder, 'current.log'), 'utf8')).toContain('ended in order');
  });
});
