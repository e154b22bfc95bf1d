import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { freePort } from '../testing/free-port.js';
import { startMark } from './process-identity.js';

/**
 * The supervisor with programs that say what they got and when they ended. They stand for the engine, the controller
 * and the portal, which have tests of their own; the three together are the journeys in test/.
 */
const PROGRAM = `
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
const name = NAME;
const log = (event) => appendFileSync(EVENTS, JSON.stringify({ name, event, pid: process.pid, env: process.env }) + '\\n');
const end = (why) => { log(why); process.exit(0); };
process.on('SIGTERM', () => existsSync(STUBBORN) || end('stopped'));
process.on('disconnect', () => end('orphaned'));
if (process.env.ENGINE_HOME) {
  mkdirSync(join(process.env.ENGINE_HOME, 'sealing'), { recursive: true });
  writeFileSync(join(process.env.ENGINE_HOME, 'sealing', 'tls.crt'), '-----BEGIN CERTIFICATE-----\\n');
}
if (process.env.CONTROLLER_PORT) mkdirSync(process.env.GITOPS_REPOSITORY, { recursive: true });
if (process.env.PORT) createServer().listen(Number(process.env.PORT), '127.0.0.1');
setInterval(() => {}, 1e6);
log('started');
process.send({ type: 'ready' });
`;

const scripts = {
  engine: 'runtime/engine/dist/main.js',
  controller: 'controller/dist/main.js',
  portal: 'webui/server.js',
} as const;

interface Event {
  readonly name: string;
  readonly event: string;
  readonly pid: number;
  readonly env: Record<string, string>;
}

let root = '';
let events = '';
const started: ChildProcess[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-platform-'));
  events = join(root, 'events');
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  for (const [name, file] of Object.entries(scripts)) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    const program = PROGRAM.replace('NAME', JSON.stringify(name))
      .replace('EVENTS', JSON.stringify(events))
      .replace('STUBBORN', JSON.stringify(join(root, 'stubborn')));
    await writeFile(join(root, file), program);
  }
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const pid of await pidsOf()) await untilGone(pid);
  await rm(events, { force: true });
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function run(env: Record<string, string>): Run {
  const loader = new URL('../testing/typescript-loader.mjs', import.meta.url).href;
  const file = fileURLToPath(new URL('./run-for-test.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', loader, file, root], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SECRET_OF_THE_MACHINE: 'x', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}

async function ready(platform: Run): Promise<string> {
  const url = await pollUntil(
    () => {
      if (platform.child.exitCode !== null) throw new Error(platform.output());
      return /^FullstackAgent is ready: (.*)$/m.exec(platform.output())?.[1];
    },
    { everyMs: 20, deadlineMs: 90_000 },
  );
  if (url === undefined) throw new Error(`Not ready: ${platform.output()}`);
  return url;
}

async function happened(): Promise<Event[]> {
  const text = await readFile(events, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
}

const pidsOf = async (): Promise<number[]> => [...new Set((await happened()).map(({ pid }) => pid))];

async function untilGone(pid: number): Promise<void> {
  const gone = await pollUntil(async () => ((await startMark(pid)) === undefined ? true : undefined), {
    everyMs: 20,
    deadlineMs: 45_000,
  });
  expect(gone, `process ${pid} is gone`).toBe(true);
}

async function settings(name: string): Promise<Record<string, string>> {
  return { FULLSTACK_AGENT_HOME: join(root, name), PORT: String(await freePort()) };
}

describe('npm start', { timeout: 180_000 }, () => {
  it('starts everything, says where, and stops it in order on Ctrl-C', async () => {
    const env = await settings('in-order');
    const platform = run(env);
    expect(await ready(platform)).toBe(`http://localhost:${env['PORT'] ?? ''}`);
    // Twice, as under npm: the terminal tells every process, and npm tells its child once more.
    platform.child.kill('SIGINT');
    platform.child.kill('SIGINT');
    expect(await platform.ended).toBe(0);
    const stopped = (await happened()).filter(({ event }) => event === 'stopped').map(({ name }) => name);
    expect(stopped).toEqual(['portal', 'controller', 'engine']);
    for (const pid of await pidsOf()) expect(await startMark(pid)).toBeUndefined();
    const left = await readdir(join(root, 'in-order'));
    expect(left.sort()).toEqual([
      'children.json',
      'engine',
      'gitops.git',
      'keys',
      'logs',
      'platform.yaml',
      'ports.json',
      'postgres',
      'version',
    ]);
  });

  it('gives each program what it needs, and nothing of ours beyond', async () => {
    const env = await settings('environment');
    const platform = run(env);
    await ready(platform);
    const of = new Map((await happened()).map((event) => [event.name, event.env]));
    const [engine = {}, controller = {}, portal = {}] = ['engine', 'controller', 'portal'].map((n) =>
      of.get(n),
    );
    expect(JSON.stringify([...of.values()])).not.toContain('SECRET_OF_THE_MACHINE');
    expect(engine).not.toHaveProperty('DATABASE_URL');
    expect(controller['GITOPS_REPOSITORY']).toBe(engine['GITOPS_REPOSITORY']);
    expect(controller['APPS_PORT']).toBe(engine['INGRESS_PORT']);
    expect(portal['CONTROLLER_URL']).toBe(`http://127.0.0.1:${controller['CONTROLLER_PORT'] ?? ''}`);
    expect(portal['ORIGIN']).toBe(`http://localhost:${env['PORT'] ?? ''}`);
    expect((await stat(portal['CONTROLLER_TOKEN_KEY_FILE'] ?? '')).mode & 0o777).toBe(0o600);
    const seed = load(await readFile(controller['PLATFORM_SEED_FILE'] ?? '', 'utf8'));
    expect(seed).toMatchObject({
      kind: 'Platform',
      spec: { exposure: { domain: 'localhost', tls: { mode: 'none' } } },
    });
    const database = new Client({ connectionString: portal['DATABASE_URL'] });
    await database.connect();
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await database.end();
    platform.child.kill('SIGTERM');
    expect(await platform.ended).toBe(0);
  });

  it('says where it runs when it is started twice, and leaves the first alone', async () => {
    const env = await settings('twice');
    const first = run(env);
    const url = await ready(first);
    const second = run({ ...env, PORT: String(await freePort()) });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`FullstackAgent is running on this folder already: ${url}`);
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
  });

  it('after kill -9 leaves nothing running, and the next one finds everything', async () => {
    const env = await settings('killed');
    const first = run(env);
    await ready(first);
    const ports = await readFile(join(root, 'killed', 'ports.json'), 'utf8');
    const [portal] = (await happened()).filter(({ name }) => name === 'portal');
    const url = portal?.env['DATABASE_URL'];
    const before = new Client({ connectionString: url });
    before.on('error', () => undefined);
    await before.connect();
    await before.query(`CREATE TABLE note AS SELECT 'kept' AS text`);
    first.child.kill('SIGKILL');
    const second = run(env);
    await ready(second);
    for (const event of await happened()) if (event.event === 'orphaned') await untilGone(event.pid);
    expect(await readFile(join(root, 'killed', 'ports.json'), 'utf8')).toBe(ports);
    const after = new Client({ connectionString: url });
    await after.connect();
    expect((await after.query('SELECT text FROM note')).rows).toEqual([{ text: 'kept' }]);
    await after.end();
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  it('starts a program again that died', async () => {
    const platform = run(await settings('restarts'));
    await ready(platform);
    const [engine] = (await happened()).filter(({ name }) => name === 'engine');
    process.kill(engine?.pid ?? 0, 'SIGKILL');
    const again = await pollUntil(
      async () => (await happened()).filter(({ name, event }) => name === 'engine' && event === 'started')[1],
      { everyMs: 20, deadlineMs: 45_000 },
    );
    expect(again?.pid).not.toBe(engine?.pid);
    platform.child.kill('SIGINT');
    expect(await platform.ended).toBe(0);
    await untilGone(again?.pid ?? 0);
  });

  it('ends everything at once when Ctrl-C is pressed again', async () => {
    const platform = run(await settings('forced'));
    await ready(platform);
    await writeFile(join(root, 'stubborn'), '');
    // Until it has ended: the first ones within half a second count as one.
    const again = setInterval(() => platform.child.kill('SIGINT'), 100);
    expect(await platform.ended).toBe(130);
    clearInterval(again);
    await rm(join(root, 'stubborn'));
    for (const pid of await pidsOf()) await untilGone(pid);
  });

  it('refuses a busy port that was asked for, in one line', async () => {
    const first = run(await settings('busy-one'));
    const url = await ready(first);
    const second = run({ FULLSTACK_AGENT_HOME: join(root, 'busy-two'), PORT: new URL(url).port });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`PORT ${new URL(url).port} is in use by another program`);
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
  });

  it('needs no engine and no database of its own for a cluster', async () => {
    const env = { ...(await settings('cluster')), CLUSTER: 'kubernetes' };
    const refused = run({ ...env, KUBECONFIG: '/nowhere' });
    expect(await refused.ended).toBe(1);
    expect(refused.output().trim()).toMatch(/^CLUSTER=kubernetes needs DATABASE_URL/);
    const platform = run({ ...env, KUBECONFIG: '/nowhere', DATABASE_URL: 'postgresql://db.example/x' });
    await ready(platform);
    expect((await happened()).map(({ name }) => name).sort()).toEqual(['controller', 'portal']);
    platform.child.kill('SIGINT');
    expect(await platform.ended).toBe(0);
  });
});
