import { request as httpRequest } from 'node:http';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { text } from '../store/object.js';
import { isReady, TestEngine, until, type TestShell } from '../testing/engine-harness.js';
import { blogFiles } from '../testing/manifests.js';
import { MARKERS, processesWith, programsOfPod } from '../workloads/processes.js';
import { probeIsolation } from './index.js';

const isolation = await probeIsolation({
  path: searchPath(),
  log: pino({ level: 'silent' }),
  markers: {},
});
const ownNetwork = isolation.kind === 'bubblewrap' && isolation.network.own;
const HOSTS = ['abcdefabcdef.localhost', 'bbbbbbbbbbbb.localhost'] as const;

let engine: TestEngine;
const shells: TestShell[] = [];

const encoded = (plain: string): string => Buffer.from(plain).toString('base64');

/** The same project once more, under another name and address. */
const second = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(blogFiles()).map(([path, content]) => [
      path.replaceAll('blog', 'shop'),
      content
        .replaceAll('blog', 'shop')
        .replaceAll(encoded('blog-token'), encoded('shop-token'))
        .replaceAll('abcdefabcdef', 'bbbbbbbbbbbb'),
    ]),
  );

describe.skipIf(!ownNetwork)('two sandboxes (only with bubblewrap and pasta)', () => {
  beforeAll(async () => {
    engine = await TestEngine.create('auto');
    await engine.repository.commit({ ...blogFiles(), ...second() });
    await engine.start();
    await engine.readyPod();
    await until(() => engine.portOf('shop', 'ttyd').then((port) => port || undefined), 'a second terminal');
    shells.push(await engine.shell('main', 'blog'), await engine.shell('main', 'shop'));
    for (const shell of shells) await shell.waitFor(/\$ $/);
  }, 180_000);
  afterAll(() => engine.remove());

  it('both have port 3000, and the ingress reaches the one that was asked for', async () => {
    shells[0]?.type(serving('first'));
    shells[1]?.type(serving('second'));
    await until(async () => ((await throughIngress(HOSTS[0])) === 'first\n' ? true : undefined), 'the first');
    await until(
      async () => ((await throughIngress(HOSTS[1])) === 'second\n' ? true : undefined),
      'the second',
    );
    shells[1]?.type("curl -s http://127.0.0.1:3000/ | sed 's/^/got-/'");
    expect(await shells[1]?.waitFor(/got-(first|second)/)).toContain('got-second');
  });

  it('do not reach the port of this machine at which the other is published, nor the engine', async () => {
    const config = new KubeConfig();
    config.loadFromFile(join(engine.home, 'kubeconfig'));
    const api = new URL(config.getCurrentCluster()?.server ?? '').port;
    for (const port of [await engine.portOf('blog', 'app'), await engine.portOf('blog', 'ttyd'), api]) {
      shells[1]?.type(
        `(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>&1 | grep -q refused && printf 'refused-%s\\n' ${port}`,
      );
      await shells[1]?.waitFor(new RegExp(`refused-${port}`));
    }
  });
});

describe.skipIf(!ownNetwork)('a fork bomb in one of two sandboxes (only with control groups)', () => {
  it('ends at its limit: the neighbour, the engine and its own terminal go on', async (context) => {
    const engine = await TestEngine.create('auto');
    try {
      await engine.repository.commit({ ...blogFiles(), ...second() });
      await engine.start();
      const uid = text(await engine.readyPod(), 'metadata', 'uid') ?? '';
      await until(() => engine.portOf('shop', 'ttyd').then((port) => port || undefined), 'a second terminal');
      const [bombed, neighbour] = [await engine.shell(), await engine.shell('main', 'shop')];
      for (const shell of [bombed, neighbour]) await shell.waitFor(/\$ $/);
      const limit = await processLimit(uid);
      context.skip(limit === undefined, 'processes are not limited by control groups here');
      // Thousands, as a sandbox may have, are no more of a proof, and cost this machine more.
      await writeFile(limit ?? '', '64', { flag: 'r+' });
      const told = 'grep -c -m1 -E "annot fork|unavailable" bomb.log; echo "over-$((40+2))"';
      bombed.type(`for n in 1 2; do sh -c '${BOMB}'; sh -c '${CROWD}'; done >bomb.log 2>&1; ${told}`);
      await until(
        async () => ((await processesWith(MARKERS.pod, uid)).length >= 40 ? true : undefined),
        'a bomb',
      );
      neighbour.type('echo "neighbour-$((40+2))"');
      await neighbour.waitFor(/neighbour-42/);
      expect((await engine.kube('/api/v1/nodes/local')).status).toBe(200);
      expect(await bombed.waitFor(/over-42/)).toMatch(/^1\r?$/m);
      expect(isReady(await engine.readyPod())).toBe(true);
      expect(text(await engine.readyPod(), 'metadata', 'uid')).toBe(uid);
    } finally {
      await engine.remove();
    }
  }, 180_000);
});

/** Without a limit it would end by itself after a thousand processes. */
const BOMB = 'b() { [ "$1" = 0 ] || { b $(($1 - 1)) & b $(($1 - 1)) & wait; }; }; b 9';

/** Fills what is left for a while. */
const CROWD = 'for n in $(seq 100); do sleep 2 & done; wait';

/** The file that says how many processes the sandbox of this pod may have; undefined where none does. */
async function processLimit(uid: string): Promise<string | undefined> {
  const [id] = await programsOfPod(uid);
  const groups = (await readFile(`/proc/${id ?? 0}/cgroup`, 'utf8')).split('\n');
  const inGroup = (pattern: RegExp, root: string): string | undefined => {
    const path = groups.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
    return path === undefined ? undefined : join(root, path, 'pids.max');
  };
  const files = [inGroup(/:pids:(\/.+)/, '/sys/fs/cgroup/pids'), inGroup(/^0::(\/.+)/, '/sys/fs/cgroup')];
  return files.find((file) => file !== undefined && existsSync(file));
}

describe.skipIf(isolation.kind === 'none')('an engine that is killed (only with bubblewrap)', () => {
  it('takes what runs in its sandboxes with it; the next start ends what it left', async () => {
    const killed = await TestEngine.create('auto');
    try {
      await killed.repository.commit(blogFiles());
      const child = await killed.startApart();
      const uid = text(await killed.readyPod(), 'metadata', 'uid') ?? '';
      const shell = await killed.shell();
      await shell.waitFor(/\$ $/);
      shell.type('(setsid sleep 4343 &); printf "%s\\n" "start""ed"');
      await shell.waitFor(/started/);
      await expect
        .poll(() => programs(uid), { timeout: 45_000 })
        .toEqual(expect.arrayContaining(['bwrap', 'bash', 'sleep', ...(ownNetwork ? ['pasta'] : [])]));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const left = async (): Promise<readonly string[]> => programs(uid);
      await until(
        async () => ((await left()).length === 0 ? true : undefined),
        'nothing inside or around it',
      );
      await killed.start();
      expect(isReady(await killed.readyPod())).toBe(true);
    } finally {
      await killed.remove();
    }
  }, 180_000);
});

const serving = (what: string): string =>
  `cd /tmp && echo ${what} >index.html && (python3 -m http.server 3000 --bind 127.0.0.1 >/dev/null 2>&1 &)`;

/** The names of what runs for a pod on this machine, inside and around it. */
async function programs(uid: string): Promise<readonly string[]> {
  const ids = await processesWith(MARKERS.pod, uid);
  const names = await Promise.all(ids.map((id) => readFile(`/proc/${id}/comm`, 'utf8').catch(() => '')));
  return names.map((name) => name.trim().replace(/^(pasta|passt).*/, 'pasta')).filter(Boolean);
}

function throughIngress(host: string): Promise<string> {
  return new Promise((resolve) => {
    httpRequest({ host: '127.0.0.1', port: engine.ingressPort, headers: { host } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      response.on('end', () => resolve(body));
    })
      .on('error', () => resolve(''))
      .end();
  });
}
