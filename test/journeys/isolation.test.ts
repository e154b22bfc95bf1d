import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import type { Api } from '../support/api.js';
import { has, needs } from '../support/capabilities.js';
import { owner } from '../support/fixtures.js';
import { Platform } from '../support/platform.js';
import { allProcesses, listeningPorts } from '../support/processes.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';
import { processesIn, type Role } from '../support/victims.js';

/**
 * What somebody in a sandbox may try, on a whole platform with two sandboxes. The same table is in docs/isolation.md.
 * Each attempt is checked from outside first: what it goes for is there.
 */
const platform = new Platform('isolation');
const KEY = join('engine', 'sealing', 'tls.key');
let api: Api;
let inside: Terminal;
let neighbour: Terminal;
let namespace = '';

beforeAll(async () => {
  if (!has('bwrap')) return;
  await platform.start();
  api = await owner(platform.url);
  for (const name of ['Attacker', 'Neighbour']) await api.create({ name, database: true });
  namespace = (await api.project('attacker')).namespace;
  for (const id of ['attacker', 'neighbour']) await api.waitFor(id, 'RUNNING');
  inside = await Terminal.open(api, 'attacker', 'main');
  neighbour = await Terminal.open(api, 'neighbour', 'main');
  await neighbour.run('echo secret >/workspace/secret');
});

afterAll(() => platform.remove());

beforeEach((context) => {
  needs(context, 'bwrap');
  context.skip(
    !platform.output.includes('kept apart by bubblewrap'),
    'bubblewrap cannot make namespaces on this machine',
  );
});

const needsOwnNetwork = (context: TestContext): void => {
  context.skip(
    !platform.output.includes('each with a network of its own'),
    'sandboxes share the network of this machine: no pasta, or it cannot be used here',
  );
};

/** A shell after a restart: a connection that was made while the sandbox still went is closed again, unanswered. */
const answering = async (session: string): Promise<Terminal> => {
  const terminal = await Terminal.open(api, 'attacker', session);
  try {
    await terminal.run('echo ready', 5000);
  } catch (error) {
    const state = terminal.open ? 'open' : 'closed';
    terminal.close();
    throw new Error(`no answer, and it is ${state}`, { cause: error });
  }
  return terminal;
};

const NOT_THERE = /No such file or directory|Permission denied/;
const at = (path: string): string => join(platform.home, path);
const pidOf = (role: Role): number => processesIn(platform.home, role)[0]?.pid ?? 0;

/** What it printed, and how it ended. */
const attempt = async (command: string): Promise<{ said: string; failed: boolean }> => {
  const said = await inside.run(`{ ${command}; } 2>&1; echo "ended $?"`);
  return { said, failed: !said.endsWith('ended 0') };
};

describe('files of the platform: a sandbox reads and writes none', () => {
  it.each([
    ['the sealing key', () => KEY],
    ['the key of the portal’s tokens', () => 'keys/controller-token'],
    ['the password of the portal’s database', () => 'keys/portal-database-password'],
    ['the files of the portal’s database', () => 'postgres/instances/portal/data/PG_VERSION'],
    ['the engine’s token and the passwords of databases', () => 'engine/state.json'],
    ['the way to the engine’s API', () => 'engine/kubeconfig'],
    ['the platform’s git repository', () => 'gitops.git/HEAD'],
    ['logs', () => 'logs/engine.log'],
    ['another workspace', () => `engine/volumes/${namespace}/neighbour--workspace/workspace/secret`],
    ['its own volume from outside', () => `engine/volumes/${namespace}/attacker--workspace/workspace`],
  ])('%s', async (_what, path) => {
    expect(existsSync(at(path())), path()).toBe(true);
    for (const way of ['', `/proc/1/root`, `/proc/self/root/..`])
      for (const command of [
        `cat ${way}${at(path())}`,
        `ls ${way}${at(path())}`,
        `echo x >>${way}${at(path())}`,
      ]) {
        const { said, failed } = await attempt(command);
        expect({ said, failed }, command).toEqual({
          said: expect.stringMatching(NOT_THERE) as string,
          failed: true,
        });
      }
  });

  it('a symbolic link out of the workspace leads nowhere, and a restart gives nothing away through it', async () => {
    const before = statSync(at(KEY));
    await attempt(`ln -sfn ${at(KEY)} /workspace/link && ln -sfn ${at('keys')} ~/link`);
    expect((await attempt('cat /workspace/link')).said).toMatch(NOT_THERE);
    expect((await attempt('echo x >/workspace/link')).said).toMatch(NOT_THERE);
    await api.act('attacker', 'restart');
    await until('the old terminal to end', () => !inside.open);
    inside = await until('a terminal of the next start', () => answering('again'));
    expect((await attempt('readlink /workspace/link')).said).toContain(at(KEY));
    expect((await attempt('cat /workspace/link; ls ~/link/')).said).toMatch(NOT_THERE);
    const { uid, gid, mode, mtimeMs } = statSync(at(KEY));
    expect({ uid, gid, mode, mtimeMs }).toEqual({
      uid: before.uid,
      gid: before.gid,
      mode: before.mode,
      mtimeMs: before.mtimeMs,
    });
  });

  it('a hard link to a file of the system cannot be made', async () => {
    const { said, failed } = await attempt('ln /usr/bin/env /workspace/hard');
    expect(said).toMatch(/cross-device link|not permitted/);
    expect(failed).toBe(true);
  });
});

describe('the system: a sandbox changes nothing of it', () => {
  it.each(['/usr/here', '/usr/bin/env', '/etc/passwd', '/etc/here', '/bin/here', '/lib/here', '/here'])(
    'writes no %s',
    async (path) => {
      const { said, failed } = await attempt(`echo x >>${path}`);
      expect({ said, failed }).toEqual({
        said: expect.stringMatching(/Read-only file system|Permission denied/) as string,
        failed: true,
      });
    },
  );

  it.each([
    ['mounts a file system', 'mount -t tmpfs none /tmp', /denied|superuser|not permitted/],
    ['takes a mount away', 'umount /usr', /denied|superuser|not permitted|umount failed/],
    [
      'makes /usr writable in a namespace of its own',
      'unshare -Urm sh -c "mount -o remount,rw,bind /usr && echo x >/usr/here"',
      /denied|not permitted|Read-only|failed/i,
    ],
    ['makes a device', 'mknod /workspace/disk b 8 0', /not permitted|denied/],
    ['reads the kernel’s memory', 'head -c 1 /proc/kcore', /not permitted|denied|No such file/i],
    ['sets the kernel', 'echo x >/proc/sys/kernel/core_pattern', /denied|Read-only/],
    ['reaches the kernel by /sys', 'ls /sys/kernel', NOT_THERE],
    ['reads passwords of this machine', 'cat /etc/shadow', NOT_THERE],
  ])('%s: refused', async (_what, command, refusal) => {
    const { said, failed } = await attempt(command);
    expect({ said, failed }).toEqual({ said: expect.stringMatching(refusal) as string, failed: true });
  });

  it('gains nothing from set-uid programs, and has no capability', async () => {
    const { said } = await attempt('grep -E "CapEff|CapPrm|NoNewPrivs" /proc/self/status');
    expect(said).toMatch(/CapPrm:\s+0{16}\nCapEff:\s+0{16}\nNoNewPrivs:\s+1/);
    await attempt('cp "$(command -v id)" /workspace/id; chmod 6755 /workspace/id');
    expect((await attempt('/workspace/id -u')).said).toMatch(/^1001\n/);
    expect((await attempt('su -c id root </dev/null')).failed).toBe(true);
  });
});

describe('processes of the machine: a sandbox sees, signals and traces none', () => {
  const ROLES: readonly Role[] = ['supervisor', 'engine', 'controller', 'portal', 'portal database'];

  it.each(ROLES)('the %s', async (role) => {
    const pid = pidOf(role);
    expect(pid).toBeGreaterThan(0);
    expect((await attempt(`kill -9 ${pid}`)).said).toMatch(/No such process/);
    for (const file of ['environ', 'mem', 'root/etc/shadow', 'fd', 'cwd/'])
      expect((await attempt(`ls /proc/${pid}/${file}; head -c 1 /proc/${pid}/${file}`)).said).toMatch(
        NOT_THERE,
      );
    expect(pidOf(role)).toBe(pid);
  });

  it('nothing in /proc is the platform’s, and no shared memory is a database’s', async () => {
    // A pattern that does not find itself among the arguments.
    const pattern = `${platform.home.slice(0, -1)}[${platform.home.slice(-1)}]`;
    const { said } = await attempt(`cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | grep -ac '${pattern}'`);
    expect(said).toMatch(/^0\n/);
    const shared = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').length;
    expect(shared, 'PostgreSQL keeps some').toBeGreaterThan(1);
    expect((await attempt('wc -l </proc/sysvipc/shm')).said).toMatch(/^1\n/);
  });

  it('kill -9 of all that can be signalled ends the sandbox alone, which comes back', async () => {
    const before = ROLES.map(pidOf);
    inside.type('kill -9 -1; exit\r');
    await until('its terminal to end', () => !inside.open);
    expect(await neighbour.run('echo still; cat /workspace/secret')).toBe('still\nsecret');
    inside = await until('another terminal', () => answering('after'));
    expect((await attempt('echo back')).said).toContain('back');
    expect(ROLES.map(pidOf)).toEqual(before);
  });
});

describe('ports of the platform and of other sandboxes: a sandbox reaches none', () => {
  const ports = (): Record<string, unknown> =>
    JSON.parse(readFileSync(at('ports.json'), 'utf8')) as Record<string, unknown>;
  const databasePort = async (terminal: Terminal): Promise<number> =>
    Number(/:(\d+)\//.exec(await terminal.run('echo "${DATABASE_URL#*@}"'))?.[1]);
  /** What the engine itself listens on: its API, the ingress and each sandbox's terminal. */
  const ofEngine = (): readonly number[] => listeningPorts(pidOf('engine'));
  /** What pasta publishes for the sandboxes: their apps. */
  const published = (): readonly number[] => {
    const all = allProcesses();
    const engine = pidOf('engine');
    const parentOf = (pid: number): number => all.find((one) => one.pid === pid)?.parent ?? 0;
    return all
      .filter(({ parent }) => parent === engine || parentOf(parent) === engine)
      .flatMap(({ command }) => [...command.matchAll(/ -t 127\.0\.0\.1\/(\d+):/g)])
      .map(([, port]) => Number(port));
  };

  const TARGETS: readonly (readonly [string, () => readonly number[] | Promise<readonly number[]>])[] = [
    ['the portal', () => [Number(new URL(platform.url).port)]],
    ['the engine’s API', () => [Number(ports()['engine'])]],
    ['the controller’s API', () => [Number(ports()['controller'])]],
    ['the portal’s database', () => [Number(ports()['database'])]],
    ['the ingress', () => [Number(ports()['ingress'])]],
    ['terminals', () => ofEngine()],
    ['apps of other sandboxes', () => published()],
    ['the database of another sandbox', async () => [await databasePort(neighbour)]],
  ];

  it.each(TARGETS)('%s', async (_what, target) => {
    const found = await target();
    expect(found.length).toBeGreaterThan(0);
    for (const port of found) expect(await isOpen(port), `${port} from outside`).toBe(true);
    for (const host of ['127.0.0.1', ...addresses()])
      for (const port of found)
        expect((await connecting(host, port)).said, `${host}:${port}`).toMatch(
          /refused|timed out|unreachable/i,
        );
  });

  it('its own database it reaches, by the same way', async () => {
    expect((await connecting('127.0.0.1', await databasePort(inside))).said).toContain('connected');
  });

  it('no socket with an abstract name of this machine is there', async () => {
    expect((await attempt('grep -c @ /proc/net/unix')).said).toMatch(/^0\n/);
  });

  beforeEach(needsOwnNetwork);

  const connecting = (host: string, port: number): ReturnType<typeof attempt> =>
    attempt(`timeout 5 bash -c 'exec 3<>/dev/tcp/${host}/${port} && echo connected' || echo timed out`);
});

/** Of this machine in its networks. */
const addresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
