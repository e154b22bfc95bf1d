import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { freePort } from '../testing/free-port.js';
import { nextMessage, spawnTypeScript } from '../testing/typescript-process.js';
import { unprivilegedUser } from './identity.js';
import { createPostgresService } from './service.js';
import type { PostgresService } from './types.js';

const log = pino({ level: 'silent' });
const password = 'correct horse'.replace(' ', '-');

let base = '';
const services: PostgresService[] = [];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-postgres-'));
  // mkdtemp closes the folder to others; the way past a closed folder has a test of its own.
  await chmod(base, 0o755);
});

afterAll(async () => {
  await Promise.all(services.map((service) => service.stopAll()));
  await rm(base, { recursive: true, force: true });
});

function serviceAt(root: string): PostgresService {
  const service = createPostgresService({ root, log });
  services.push(service);
  return service;
}

async function query(port: number, sql: string, secret = password): Promise<unknown[]> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    password: secret,
  });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  const gone = await pollUntil(() => (alive(pid) ? undefined : true), { everyMs: 20, deadlineMs: 45_000 });
  expect(gone, `process ${pid} is gone`).toBe(true);
}

describe('a PostgreSQL instance', () => {
  it('keeps its data over stop and start, on another port too', async () => {
    const service = serviceAt(join(base, 'keeps'));
    const first = await service.ensure({ id: 'one', port: await freePort(), password });
    await query(first.port, 'CREATE TABLE note (text text)');
    await query(first.port, `INSERT INTO note VALUES ('kept')`);
    const exit = new Promise((resolve) => first.onExit(resolve));
    await first.stop();
    expect(await exit).toMatchObject({ code: 0 });
    expect(alive(first.pid)).toBe(false);

    const second = await service.ensure({ id: 'one', port: await freePort(), password });
    expect(await query(second.port, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
    await service.stopAll();
    expect(alive(second.pid)).toBe(false);
  });

  it('is durable, UTF-8, on loopback only, and without a socket in the file system', async () => {
    const service = serviceAt(join(base, 'settings'));
    const { port } = await service.ensure({ id: 'one', port: await freePort(), password });
    const rows = await query(
      port,
      `SELECT name, setting FROM pg_settings WHERE name IN
       ('fsync', 'listen_addresses', 'unix_socket_directories', 'server_encoding', 'data_checksums', 'TimeZone')
       ORDER BY lower(name)`,
    );
    expect(rows).toEqual([
      { name: 'data_checksums', setting: 'on' },
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'server_encoding', setting: 'UTF8' },
      { name: 'TimeZone', setting: 'UTC' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
    const version = { server_version: await service.version() };
    expect(await query(port, 'SHOW server_version')).toEqual([version]);
    await service.stopAll();
  });

  it('answers the same server when asked twice, also at the same time', async () => {
    const service = serviceAt(join(base, 'twice'));
    const port = await freePort();
    const [a, b] = await Promise.all([
      service.ensure({ id: 'one', port, password }),
      service.ensure({ id: 'one', port, password }),
    ]);
    expect(a).toBe(b);
    await service.stopAll();
  });

  it('opens with its own password only, and takes a new one', async () => {
    const root = join(base, 'passwords');
    const service = serviceAt(root);
    const port = await freePort();
    await service.ensure({ id: 'one', port, password });
    const template = (await readdir(root)).find((name) => name.startsWith('template-')) ?? '';
    const templatePassword = await readFile(join(root, template, 'password'), 'utf8');
    await expect(query(port, 'SELECT 1', templatePassword)).rejects.toThrow(/password authentication failed/);
    await expect(query(port, 'SELECT 1', '')).rejects.toThrow();

    await service.ensure({ id: 'one', port, password: 'another-password' });
    expect(await query(port, 'SELECT 1 AS one', 'another-password')).toEqual([{ one: 1 }]);
    await expect(query(port, 'SELECT 1', password)).rejects.toThrow(/password authentication failed/);
    await service.stopAll();
    expect(await readFile(join(root, 'instances', 'one', 'server.log'), 'utf8')).not.toContain(password);
  });

  it('is apart from another instance', async () => {
    const service = serviceAt(join(base, 'apart'));
    const [one, two] = await Promise.all([
      service.ensure({ id: 'one', port: await freePort(), password }),
      service.ensure({ id: 'two', port: await freePort(), password: 'other-password' }),
    ]);
    await query(one.port, 'CREATE TABLE mine (n int)');
    expect(await query(two.port, `SELECT to_regclass('mine') AS found`, 'other-password')).toEqual([
      { found: null },
    ]);
    await expect(query(two.port, 'SELECT 1', password)).rejects.toThrow(/password authentication failed/);
    await one.stop();
    expect(await query(two.port, 'SELECT 1 AS one', 'other-password')).toEqual([{ one: 1 }]);
    await service.remove('one');
    await service.remove('one');
    expect(await readdir(join(base, 'apart', 'instances'))).toEqual(['two']);
    await service.stopAll();
  });

  it('says why it did not start, and starts when the cause is gone', async () => {
    const service = serviceAt(join(base, 'taken'));
    const taken = await service.ensure({ id: 'one', port: await freePort(), password });
    await expect(service.ensure({ id: 'two', port: taken.port, password })).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining(String(taken.port)) as string,
    });
    await taken.stop();
    const two = await service.ensure({ id: 'two', port: taken.port, password });
    expect(await query(two.port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await service.stopAll();
  });

  it.each([
    ['an id with a path', { id: '../x', port: 5432, password }],
    ['no port', { id: 'x', port: 0, password }],
    ['a password with a control character', { id: 'x', port: 5432, password: 'line\nline-line' }],
  ])('refuses %s', async (_what, instance) => {
    await expect(serviceAt(join(base, 'refuses')).ensure(instance)).rejects.toMatchObject({
      code: 'INVALID_INSTANCE',
    });
  });
});

describe('after a crash', () => {
  it('the server stops by itself when its engine is killed, and finds its data again', async () => {
    const root = join(base, 'killed');
    const port = await freePort();
    const engine = spawnTypeScript(new URL('./run-for-test.ts', import.meta.url), [
      root,
      String(port),
      password,
    ]);
    const { pid } = (await nextMessage(engine)) as { pid: number };
    await query(port, `CREATE TABLE note AS SELECT 'kept' AS text`);
    engine.kill('SIGKILL');
    await untilGone(pid);

    await serviceAt(root).ensure({ id: 'one', port, password });
    expect(await query(port, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('a server that is still there is stopped first, orphaned backends too', async () => {
    const root = join(base, 'leftover');
    const port = await freePort();
    const first = await serviceAt(root).ensure({ id: 'one', port, password });
    const exit = new Promise((resolve) => first.onExit(resolve));
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
    client.on('error', () => undefined);
    await client.connect();

    const second = await serviceAt(root).ensure({ id: 'one', port, password });
    await exit;
    expect(alive(first.pid)).toBe(false);
    expect(second.pid).not.toBe(first.pid);
    process.kill(second.pid, 'SIGKILL');
    const third = await serviceAt(root).ensure({ id: 'one', port, password });
    expect(await query(third.port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('a pid file that names somebody else is no reason not to start', async () => {
    const root = join(base, 'stale');
    const port = await freePort();
    const service = serviceAt(root);
    await (await service.ensure({ id: 'one', port, password })).stop();
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      await writeFile(
        join(root, 'instances/one/data/postmaster.pid'),
        `${stranger.pid ?? 0}\n/elsewhere\n0\n${port}\n`,
      );
      await service.ensure({ id: 'one', port, password });
      expect(await query(port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(alive(stranger.pid ?? 0)).toBe(true);
    } finally {
      stranger.kill();
    }
  });

  it('half a copy is thrown away', async () => {
    const root = join(base, 'half');
    const half = join(root, 'instances/one/data.copying');
    await mkdir(half, { recursive: true });
    await writeFile(join(half, 'PG_VERSION'), '18');
    const service = serviceAt(root);
    const { port } = await service.ensure({ id: 'one', port: await freePort(), password });
    expect(await query(port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await readdir(join(root, 'instances/one'))).not.toContain('data.copying');
  });
});

describe('whoever starts it', () => {
  it('runs where a folder above is closed to others, and its own folders stay closed', async () => {
    const closed = join(base, 'closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    const service = serviceAt(join(closed, 'root'));
    const { port } = await service.ensure({ id: 'one', port: await freePort(), password });
    expect(await query(port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const data = await stat(join(closed, 'root/instances/one/data'));
    expect(data.mode & 0o077).toBe(0);
    expect(data.uid, 'PostgreSQL never owns its files as root').not.toBe(0);
  });

  it('keeps no capability where the way is open', async ({ skip }) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) skip('only root has capabilities to keep');
    if (!(await reachableForOthers())) skip('the repository is in a folder that is closed to others');
    const server = await serviceAt(join(base, 'open')).ensure({
      id: 'one',
      port: await freePort(),
      password,
    });
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    expect(/^CapEff:\s*(\S+)$/m.exec(status)?.[1]).toBe('0000000000000000');
    expect(/^Uid:\s*(\d+)/m.exec(status)?.[1]).not.toBe('0');
  });

  it('runs for a user who is not root', async ({ skip }) => {
    // Everybody else has run every test above as such a user.
    if (process.getuid?.() !== 0) skip('these tests do not run as root');
    if (!(await reachableForOthers())) skip('the repository is in a folder that is closed to others');
    const root = join(base, 'not-root');
    const user = await unprivilegedUser();
    await mkdir(root);
    await chown(root, user.uid, user.gid);
    const port = await freePort();
    const file = new URL('./run-for-test.ts', import.meta.url);
    const engine = spawnTypeScript(file, [root, String(port), password], user);
    const { pid } = (await nextMessage(engine)) as { pid: number };
    expect(await query(port, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await stat(join(root, 'instances/one/data'))).uid).toBe(user.uid);
    engine.kill('SIGKILL');
    await untilGone(pid);
  });
});

/** The tests themselves have to be readable for another user who is to run a part of them. */
async function reachableForOthers(): Promise<boolean> {
  const user = await unprivilegedUser();
  const look = spawn('test', ['-r', fileURLToPath(import.meta.url)], { ...user, cwd: '/', stdio: 'ignore' });
  return (await new Promise((resolve) => look.once('close', resolve))) === 0;
}
