import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { text } from '../store/object.js';
import { POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { releaseFiles } from '../testing/release-manifests.js';

/** Writes down which process it is; a hang-up does not end it. */
const APP = `
process.on('SIGHUP', () => {});
require('node:fs').appendFileSync(process.env.PIDS, process.pid + '\\n');
require('node:http').createServer((request, response) => response.end('up')).listen(process.env.PORT, '127.0.0.1');
`;

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.create();
});
afterEach(() => engine.remove());

/** One that has ended and that nobody has waited for has no command line. */
const runs = async (id: number): Promise<boolean> =>
  (await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')) !== '';

it.runIf(process.platform === 'linux')(
  'a release runs once after its engine was killed, from the snapshot that was released',
  async () => {
    await engine.repository.commit(blogFiles());
    const killed = await engine.startApart();
    await engine.readyPod();
    const workspace = join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
    await mkdir(workspace, { recursive: true });
    await writeFile(join(workspace, 'app.js'), APP);
    const body = { project: 'blog', command: 'exec node app.js' };
    const taken = await engine.kube(`${POD}/snapshot`, { method: 'POST', body });
    await writeFile(join(workspace, 'app.js'), 'process.exit(1)');

    const pids = join(engine.home, 'pids');
    const image = `snapshot.local/${NAMESPACE}/blog@${text(taken.body, 'digest') ?? ''}`;
    const variables = releaseFiles({ image, env: { PIDS: pids } });
    await engine.repository.commit({ ...blogFiles(), ...renamed(variables) });
    const written = async (count: number): Promise<readonly number[]> =>
      until(async () => {
        const lines = (await readFile(pids, 'utf8').catch(() => '')).split('\n').filter(Boolean);
        return lines.length >= count ? lines.map(Number) : undefined;
      }, `${count} starts`);
    const [first = 0] = await written(1);

    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await runs(first)).toBe(true);
    await engine.start();
    const [, second = 0] = await written(2);
    expect([await runs(first), await runs(second)]).toEqual([false, true]);
    await engine.stop();
    expect(await runs(second)).toBe(false);
  },
);

/** The ConfigMap's name is made of its values there, and a path makes none. */
const renamed = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path.replace(/blog--release-env-.*\.yaml$/, 'blog--release-env-x.yaml'),
      content.replace(/blog--release-env-\S+/g, 'blog--release-env-x'),
    ]),
  );
