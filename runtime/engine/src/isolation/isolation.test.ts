import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { searchPath, type EngineConfig } from '../config.js';
import { at, text } from '../store/object.js';
import { POD, TestEngine, until, type TestShell } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { MARKERS, processesWith } from '../workloads/processes.js';
import { probeIsolation } from './index.js';

/**
 * Under bubblewrap, on machines that have it: what people can do in a sandbox, and what they cannot. With networks of
 * their own where pasta can make them, and on the machine's network everywhere.
 */

const isolation = await probeIsolation({
  path: searchPath(),
  log: pino({ level: 'silent' }),
  markers: {},
});
const why = isolation.kind === 'none' ? isolation.reason : '';
const noNetwork = isolation.kind === 'bubblewrap' && !isolation.network.own ? isolation.network.reason : why;

interface Situation {
  readonly setting: EngineConfig['isolation'];
  readonly ownNetwork: boolean;
  /** Why it cannot be on this machine. */
  readonly missing: string;
}

const OWN: Situation = { setting: 'auto', ownNetwork: true, missing: noNetwork };
const SHARED: Situation = { setting: 'shared-network', ownNetwork: false, missing: why };

/** Seconds; other tests on this machine sleep for other times. */
const NAP = String(1_000_000 + process.pid);

let engine: TestEngine;
let shell: TestShell;
let outside: Server;
let podUid = '';
let count = 0;

/** What a command prints, and how it ends. */
async function run(command: string): Promise<string> {
  count += 1;
  const [begin, end] = [`begin-${count}`, `end-${count}`];
  // Put together by the shell: the line as it was typed is none of them.
  shell.type(`printf 'begin-%s\\n' ${count}; { ${command}; } 2>&1; printf 'end-%s %s\\n' ${count} $?`);
  const output = await shell.waitFor(new RegExp(`${end} \\d+`));
  const from = output.lastIndexOf(`${begin}\r\n`) + begin.length;
  return output
    .slice(from, output.indexOf(`${end} `, from) + end.length + 4)
    .replaceAll('\r', '')
    .trim();
}

function sandbox({ setting, ownNetwork }: Situation): void {
  beforeAll(async () => {
    outside = createServer((_request, response) => response.end('outside'));
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    engine = await TestEngine.create(setting);
    await engine.repository.commit(blogFiles({ database: true, env: { GREETING: 'hello there' } }));
    await engine.start();
    await engine.databasePhase('Running');
    podUid = text(await engine.readyPod(), 'metadata', 'uid') ?? '';
    shell = await engine.shell();
    await shell.waitFor(/\$ $/);
  }, 180_000);
  afterAll(async () => {
    outside.closeAllConnections();
    outside.close();
    await engine.remove();
  });

  it('is the image’s world: its user, its folders, its host name and its variables', async () => {
    const port = ownNetwork ? 3000 : await engine.portOf('blog', 'app');
    expect(ownNetwork || port > 3000).toBe(true);
    expect(await run('id -un; id -u; pwd; hostname; echo "$HOME $GREETING $PORT"')).toMatch(
      new RegExp(`^developer\n1001\n/workspace\nblog-0\n/home/developer hello there ${port}\nend-\\d+ 0$`),
    );
  });

  it('keeps what is written to the workspace and the home, and lets nothing else be written', async () => {
    await run('echo kept >/workspace/kept; echo kept >~/kept; touch /tmp/here /run/here');
    for (const path of ['/usr/here', '/etc/here', '/opt', '/here', '/dev/here', '/bin/bash'])
      expect(await run(`touch ${path}`), path).toMatch(/Read-only file system|Permission denied/);
    const folder = join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
    expect(await readdir(folder).catch(() => [])).toContain('kept');
  });

  it('has a terminal that job control works in, and programs with terminals of their own', async () => {
    expect(await run('sleep 30 & jobs; kill %1; tty')).toMatch(/Running.*\n\/dev\/pts\/\d+/s);
    expect(await run("script -qec 'tty' /dev/null")).toMatch(/\/dev\/pts\/\d+/);
  });

  it('reaches its own database', async () => {
    expect(await run('echo "$DATABASE_URL"')).toMatch(/@127\.0\.0\.1:\d+\/postgres/);
    // Who takes the connection may be pasta, whether or not there is a database: what answers has to be PostgreSQL.
    const program = Buffer.from(ASK_DATABASE).toString('base64');
    expect(await run(`echo ${program} | base64 -d | node`)).toMatch(/^(S|N)\n/);
  });

  it.each([
    [
      'the sealing key',
      () => `cat ${join(engine.home, 'sealing', 'key.pem')}; ls ${join(engine.home, 'sealing')}`,
    ],
    ['the engine’s state with its token', () => `cat ${join(engine.home, 'state.json')}`],
    ['another workspace', () => `ls ${join(engine.home, 'volumes')}`],
    ['the databases’ files', () => `ls ${join(engine.home, 'postgres')}`],
    ['the repository', () => `ls ${engine.repository.path}`],
    ['passwords of this machine', () => 'cat /etc/shadow'],
    ['the home of who runs the platform', () => 'ls /root /home/*/.ssh'],
  ])('cannot read %s', async (_what, command) => {
    expect(await run(command())).toMatch(/No such file or directory|Permission denied/);
  });

  it('sees none of this machine’s processes, and cannot signal them', async () => {
    const seen = await run('ls -d /proc/[0-9]* | wc -l');
    expect(Number(seen.split('\n')[0])).toBeLessThan(12);
    expect(await run(`kill -0 ${process.pid}`)).toMatch(/No such process/);
    expect(await run('cat /proc/*/environ | tr "\\0" "\\n" | grep -c ENGINE_HOME')).toMatch(/^0\n/);
  });

  it('has no rights on this machine’s kernel', async () => {
    expect(await run('grep CapEff /proc/self/status')).toContain('0000000000000000');
    expect(await run('grep NoNewPrivs /proc/self/status')).toMatch(/1/);
    expect(await run('echo x >/proc/sys/kernel/core_pattern')).toMatch(/Permission denied|Read-only/);
    expect(await run('mount -t tmpfs none /tmp')).toMatch(/denied|superuser|not permitted/);
  });

  it('has a port of its own for its app, which the ingress reaches', async () => {
    expect(await throughIngress()).toMatch(/\$PORT/);
    await run(
      'cd /tmp && echo inside >index.html && (python3 -m http.server $PORT --bind 127.0.0.1 >/dev/null 2>&1 &) ; cd /workspace',
    );
    const body = await until(async () => {
      const found = await throughIngress();
      return found === 'inside\n' ? found : undefined;
    }, 'the app answers');
    expect(body).toBe('inside\n');
  });

  it('reaches what listens on this machine’s loopback only where its network is the machine’s, and the Node says so', async () => {
    const { port } = outside.address() as AddressInfo;
    const { body } = await engine.kube('/api/v1/nodes');
    expect(text(body, 'items', 0, 'metadata', 'annotations', 'fullstackagent.dev/network')).toBe(
      ownNetwork ? 'own' : 'shared',
    );
    for (const one of [port, engine.ingressPort])
      expect(await run(`(exec 3<>/dev/tcp/127.0.0.1/${one})`)).toMatch(
        ownNetwork ? /Connection refused/ : /^end-\d+ 0$/,
      );
  });

  it('takes programs and files in as they are called inside', async () => {
    await writeFile(join(engine.home, 'secret'), 'x');
    expect(await run(`ls ${engine.home}`)).toMatch(/No such file/);
  });

  it('comes back where it was ended from outside, with what it keeps', async () => {
    const before = await keepers();
    process.kill(before[0] ?? 0, 'SIGKILL');
    await until(async () => {
      const now = await keepers();
      return now.length === before.length && now.every((id) => !before.includes(id)) ? true : undefined;
    }, 'other namespaces');
    // Its namespaces are there a moment before its terminal is.
    shell = await until(() => engine.shell('next').catch(() => undefined), 'a terminal');
    await shell.waitFor(/\$ $/);
    expect(await run('cat /workspace/kept')).toContain('kept');
    const { body } = await engine.kube(POD);
    expect(at(body, 'status', 'containerStatuses', 0)).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'Error' } },
    });
  });

  it('leaves nothing behind when it stops', async () => {
    await run(`(setsid sleep ${NAP} &); true`);
    const mine = async (): Promise<readonly number[]> => [
      ...(await keepers()),
      ...(await processes())
        .filter(({ command }) => command[0] === 'sleep' && command[1] === NAP)
        .map(({ id }) => id),
    ];
    expect(await mine()).not.toEqual([]);
    await engine.stop();
    expect(await mine()).toEqual([]);
  });
}

describe.skipIf(OWN.missing !== '')(`a sandbox with a network of its own ${OWN.missing}`, () => sandbox(OWN));
describe.skipIf(SHARED.missing !== '')(`a sandbox on this machine’s network ${SHARED.missing}`, () =>
  sandbox(SHARED),
);

/** Asks for encryption, as any client of PostgreSQL begins: it answers with one letter. */
const ASK_DATABASE = `
const { hostname, port } = new URL(process.env.DATABASE_URL);
const socket = require('node:net').connect(Number(port), hostname);
socket.on('connect', () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
socket.on('data', (answer) => { console.log(String(answer)); socket.destroy(); });
socket.on('error', (error) => console.log(error.message));
socket.on('close', () => process.exit());
`;

interface Process {
  readonly id: number;
  readonly command: readonly string[];
}

async function processes(): Promise<readonly Process[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return Promise.all(
    ids.map(async (id) => {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      return { id, command: line.split('\0') };
    }),
  );
}

/** What holds this test's sandbox and no other engine's: bubblewrap, outside and inside. */
async function keepers(): Promise<readonly number[]> {
  const all = await processes();
  const mine = new Set(await processesWith(MARKERS.pod, podUid));
  return all
    .filter(({ id, command }) => command[0]?.endsWith('bwrap') === true && mine.has(id))
    .map(({ id }) => id);
}

function throughIngress(): Promise<string> {
  return new Promise((resolve) => {
    const headers = { host: 'abcdefabcdef.localhost' };
    httpRequest({ host: '127.0.0.1', port: engine.ingressPort, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      response.on('end', () => resolve(body));
    })
      .on('error', () => resolve(''))
      .end();
  });
}
