import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { at, text } from '../store/object.js';
import { CLUSTER, isReady, POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { MARKERS, processesWith, signal } from './processes.js';

const DAY_MS = 24 * 60 * 60_000;
const WORKSPACE = ['volumes', NAMESPACE, 'blog--workspace', 'workspace'];
/** Leaves a trace each time it is asked. */
const livenessProbe = {
  exec: { command: ['sh', '-c', 'echo x >>probes'] },
  ...{ periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 2 },
};

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.create();
});
afterEach(async () => {
  vi.useRealTimers();
  await engine.remove();
});

async function probesWereRun(times: number): Promise<void> {
  const count = async (): Promise<number> =>
    (await readFile(join(engine.home, ...WORKSPACE, 'probes'), 'utf8').catch(() => '')).length / 2;
  const before = await count();
  await until(async () => ((await count()) >= before + times ? true : undefined), 'probes that are run');
}

/** The pod is the one that it was, and was never started again. */
async function unharmed(uid: string | undefined): Promise<void> {
  const { body } = await engine.kube(POD);
  expect([text(body, 'metadata', 'uid'), isReady(body)]).toEqual([uid, true]);
  expect(at(body, 'status', 'containerStatuses', 0, 'restartCount')).toBe(0);
}

async function databaseComesBack(): Promise<void> {
  const data = join(engine.home, 'postgres', 'instances', `${NAMESPACE}-blog--db`, 'data');
  const pid = async (): Promise<number> =>
    Number((await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
  const killed = await pid();
  process.kill(killed, 'SIGKILL');
  await until(async () => {
    const { body } = await engine.kube(CLUSTER);
    const isBack = text(body, 'status', 'phase') === 'Running' && ![0, killed].includes(await pid());
    return isBack ? true : undefined;
  }, 'another server');
}

it('a clock that is set ahead by a year, and back by one, harms nothing: probes, retries, the branch, the database', async () => {
  await engine.repository.commit(blogFiles({ database: true, livenessProbe }));
  await engine.start();
  await engine.databasePhase('Running');
  const uid = text(await engine.readyPod(), 'metadata', 'uid');
  const now = Date.now();
  for (const [what, days] of [
    ['ahead', 400],
    ['back', -400],
  ] as const) {
    // The date alone: what the kernel's monotonic clock says goes on.
    vi.useFakeTimers({ toFake: ['Date'], now: now + days * DAY_MS });
    await probesWereRun(3);
    await engine.applied(
      await engine.repository.commit(blogFiles({ database: true, livenessProbe, env: { CLOCK: what } })),
    );
    await unharmed(uid);
    await databaseComesBack();
    vi.useRealTimers();
  }
  expect((await engine.kube(POD, { method: 'DELETE' })).status).toBe(200);
  await until(
    async () => (text((await engine.kube(POD)).body, 'metadata', 'uid') === uid ? undefined : true),
    'another pod',
  );
  await engine.readyPod();
}, 180_000);

it.runIf(process.platform === 'linux')(
  'a machine that was stopped for longer than its probes wait finds everything as it was',
  async () => {
    await engine.repository.commit(blogFiles({ database: true, livenessProbe }));
    const child = await engine.startApart();
    try {
      await engine.databasePhase('Running');
      const uid = text(await engine.readyPod(), 'metadata', 'uid');
      await probesWereRun(1);
      const { engineId } = JSON.parse(await readFile(join(engine.home, 'state.json'), 'utf8')) as {
        engineId: string;
      };
      const machine = [child.pid ?? 0, ...(await processesWith(MARKERS.engine, engineId))];
      signal(machine, 'SIGSTOP');
      const end = performance.now() + 5_000;
      await until(() => performance.now() >= end || undefined, 'five seconds');
      signal([...machine].reverse(), 'SIGCONT');
      await probesWereRun(3);
      await unharmed(uid);
      await engine.databasePhase('Running');
      await engine.applied(
        await engine.repository.commit(blogFiles({ database: true, livenessProbe, env: { AWAKE: 'yes' } })),
      );
    } finally {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }
  },
  90_000,
);
