import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { list, text } from '../store/object.js';
import { isReady, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { MARKERS, processesWith } from './processes.js';

const COUNT = 20;
const NAMES = Array.from({ length: COUNT }, (_, index) => `shop-${String.fromCodePoint(97 + index)}`);
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.create();
});
afterEach(() => engine.remove());

const encoded = (plain: string): string => Buffer.from(plain).toString('base64');

/** The same project under many names and addresses. */
const projects = (): Record<string, string> =>
  Object.fromEntries(
    NAMES.flatMap((name, index) =>
      Object.entries(blogFiles()).map(([path, content]) => [
        path.replaceAll('blog', name),
        content
          .replaceAll('blog', name)
          .replaceAll(encoded('blog-token'), encoded(`${name}-token`))
          .replaceAll('abcdefabcdef', `abcdefabcd${String(index).padStart(2, '0')}`),
      ]),
    ),
  );

const allReady = (): Promise<readonly string[]> =>
  until(async () => {
    const pods = list((await engine.kube(PODS)).body, 'items').filter(isReady);
    return pods.length === COUNT ? pods.map((pod) => text(pod, 'metadata', 'uid') ?? '') : undefined;
  }, `${COUNT} ready pods`);

/** A program that does not mind that its terminal hangs up, in each sandbox; its command line names the sandbox. */
async function leavePrograms(): Promise<void> {
  for (const name of NAMES) {
    const shell = await engine.shell('main', name);
    shell.type(`(setsid sh -c 'trap "" HUP; while :; do sleep 30; done' ${name} &); echo "left-$((1+1))"`);
    await shell.waitFor(/left-2/);
  }
}

/** Which of the sandboxes they are of, by how they were started. */
async function programs(engineId: string): Promise<readonly string[]> {
  const ids = await processesWith(MARKERS.engine, engineId);
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines
    .map((line) => NAMES.find((name) => line.endsWith(`\0${name}\0`)))
    .filter((name) => name !== undefined);
}

/** A shell goes on as soon as it has made the process, which then has to become the program. */
const untilInAll = (engineId: string): Promise<void> =>
  expect
    .poll(async () => [...(await programs(engineId))].sort(), { timeout: 45_000, interval: 50 })
    .toEqual(NAMES);

it.runIf(process.platform === 'linux')(
  `${COUNT} sandboxes come back once each after their engine was killed, though a port was taken meanwhile`,
  async () => {
    await engine.repository.commit(projects());
    const killed = await engine.startApart();
    const before = await allReady();
    await leavePrograms();
    const state = JSON.parse(await readFile(`${engine.home}/state.json`, 'utf8')) as { engineId: string };
    await untilInAll(state.engineId);
    const ports = await Promise.all(NAMES.map((name) => engine.portOf(name, 'ttyd')));

    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await programs(state.engineId)).toHaveLength(COUNT);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(ports[0], '127.0.0.1', resolve));
    try {
      await engine.start();
      const after = await allReady();
      expect(after.filter((uid) => before.includes(uid))).toEqual([]);
      // What was left was ended before anything was started.
      expect(await programs(state.engineId)).toEqual([]);
      const again = await Promise.all(NAMES.map((name) => engine.portOf(name, 'ttyd')));
      expect(again.slice(1)).toEqual(ports.slice(1));
      expect(ports).not.toContain(again[0]);
      await leavePrograms();
      await untilInAll(state.engineId);
      await engine.stop();
      expect(await processesWith(MARKERS.engine, state.engineId)).toEqual([]);
    } finally {
      stranger.close();
    }
  },
  120_000,
);
