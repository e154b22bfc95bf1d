import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { KubeConfig, Watch } from '@kubernetes/client-node';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { at, list, number, text } from '../store/object.js';
import { CLUSTER, POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, FOLDER, NAMESPACE } from '../testing/manifests.js';
import { MARKERS, processesWith } from './processes.js';

let engine: TestEngine;

beforeEach(async () => {
  engine = await TestEngine.create();
});

afterEach(() => engine.remove());

const DATABASE = 'blog--db-postgresql-postgresql';
const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/blog--db-postgresql-account-postgres`;

/** One question to the project's database, with what the API says about it. */
async function ask(sql: string): Promise<unknown> {
  const password = text((await engine.kube(SECRET)).body, 'data', 'password') ?? '';
  const client = new pg.Client({
    host: '127.0.0.1',
    port: await engine.portOf(DATABASE, 'tcp-postgresql'),
    user: 'postgres',
    database: 'postgres',
    password: Buffer.from(password, 'base64').toString(),
  });
  await client.connect();
  try {
    return (await client.query(sql)).rows[0];
  } finally {
    await client.end();
  }
}

const postmaster = async (): Promise<number> => {
  const folder = join(engine.home, 'postgres', 'instances', `${NAMESPACE}-blog--db`, 'data');
  return Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0]);
};

/** From now on, none left out however short it is so. */
async function statusesOfDatabase(): Promise<readonly string[]> {
  const config = new KubeConfig();
  config.loadFromFile(join(engine.home, 'kubeconfig'));
  const seen: string[] = [];
  await new Watch(config).watch(
    `/apis/apps.kubeblocks.io/v1/namespaces/${NAMESPACE}/clusters`,
    {},
    (_type: string, object: unknown) =>
      seen.push([text(object, 'status', 'phase'), text(object, 'status', 'message')].join(': ')),
    () => undefined,
  );
  await until(() => seen.length > 0 || undefined, 'the status of the database');
  return seen;
}

const events = async (name: string): Promise<readonly string[]> => {
  const path = `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.name%3D${name}`;
  const { body } = await engine.kube(path);
  return list(body, 'items').map(
    (event) => `${text(event, 'reason') ?? ''}: ${text(event, 'message') ?? ''}`,
  );
};

describe('a pod', () => {
  it('waits for a Secret that is not there, says so, and starts when it appears', async () => {
    const files = blogFiles();
    const secret = `${FOLDER}/secret-blog--terminal.yaml`;
    await engine.repository.commit(
      Object.fromEntries(Object.entries(files).filter(([path]) => path !== secret)),
    );
    await engine.start();
    const waiting = await until(async () => {
      const { body } = await engine.kube(POD);
      const [status] = list(body, 'status', 'containerStatuses');
      return text(status, 'state', 'waiting', 'reason') === 'CreateContainerConfigError' ? status : undefined;
    }, 'a pod that waits');
    expect(text(waiting, 'state', 'waiting', 'message')).toContain('secret "blog--terminal"');
    expect((await events('blog-0')).filter((line) => line.includes('blog--terminal'))).toHaveLength(1);
    await engine.repository.commit(files);
    await engine.readyPod();
  });
});

describe('a pod whose liveness probe fails', () => {
  const sick = (): string => join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace', 'sick');
  const status = async (): Promise<unknown> =>
    list((await engine.kube(POD)).body, 'status', 'containerStatuses')[0];

  it('is ended and started again, later each time, and its status says why', async () => {
    const livenessProbe = {
      exec: { command: ['test', '!', '-e', 'sick'] },
      periodSeconds: 1,
      timeoutSeconds: 30,
      failureThreshold: 2,
    };
    await engine.repository.commit(blogFiles({ livenessProbe }));
    await engine.start();
    await engine.readyPod();
    const shell = await engine.shell();
    shell.type('sleep 6000 & echo "ready-$((1+1))"');
    await shell.waitFor(/ready-2/);
    await writeFile(sick(), '');
    const twice = await until(async () => {
      const now = await status();
      return (number(now, 'restartCount') ?? 0) >= 2 ? now : undefined;
    }, 'a container that was started again twice');
    expect(at(twice, 'lastState', 'terminated')).toMatchObject({ exitCode: 143, reason: 'Error' });
    expect(text(twice, 'lastState', 'terminated', 'message')).toMatch(/^Its liveness probe failed/);
    await rm(sick());
    await until(async () => {
      const now = await status();
      return at(now, 'ready') === true && at(now, 'started') === true ? true : undefined;
    }, 'a container that is well again');
    expect(await events('blog-0')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Unhealthy: Liveness probe failed: /),
        'Killing: Container sandbox failed liveness probe, will be restarted',
        expect.stringMatching(/^BackOff: Back-off restarting failed container sandbox in pod blog-0_/),
      ]),
    );
    const uid = text((await engine.kube(POD)).body, 'metadata', 'uid') ?? '';
    // A probe may be running just now; what was started in the shell is gone.
    await expect.poll(() => processesWith(MARKERS.pod, uid), { timeout: 45_000 }).toEqual([]);
  });
});

describe('a pod that is stopped', () => {
  it.each([
    ['that waits for input', ''],
    ['behind a program', 'sleep 600'],
  ])('hangs up on a shell %s, which ignores SIGTERM: it leaves by itself', async (_what, program) => {
    await engine.repository.commit(blogFiles());
    await engine.start();
    await engine.readyPod();
    const shell = await engine.shell();
    // An interactive bash runs this when the terminal hangs up, and never when it is killed.
    shell.type(`trap 'echo left > trace' EXIT; echo "ready-$((1+1))"`);
    await shell.waitFor(/ready-2/);
    if (program !== '') shell.type(program);
    await engine.repository.commit(blogFiles({ replicas: 0 }));
    await engine.gone(POD);
    const workspace = join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', 'workspace');
    expect(await readFile(join(workspace, 'trace'), 'utf8')).toBe('left\n');
  });
});

describe('a database', () => {
  it('is started again when it was killed, with what was in it', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.databasePhase('Running');
    await ask('create table kept as select 42 as n');
    const killed = await postmaster();
    const seen = await statusesOfDatabase();
    process.kill(killed, 'SIGKILL');
    await until(
      () => seen.includes('Updating: PostgreSQL ended (SIGKILL); starting it again.') || undefined,
      'a status that says that it does not run',
    );
    await until(async () => {
      const { body } = await engine.kube(CLUSTER);
      const again = await postmaster().catch(() => killed);
      return text(body, 'status', 'phase') === 'Running' && again !== killed ? true : undefined;
    }, 'another server');
    expect(await ask('select n from kept')).toEqual({ n: 42 });
    expect(await events('blog--db')).toContain('Exited: PostgreSQL ended (SIGKILL); starting it again.');
  });

  it('is found by new shells when its port was taken by somebody else meanwhile', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.databasePhase('Running');
    await engine.readyPod();
    const port = await engine.portOf(DATABASE, 'tcp-postgresql');
    await engine.repository.commit(blogFiles({ database: true, stopped: true }));
    await engine.databasePhase('Stopped');
    const stranger = createServer();
    await new Promise<void>((resolve) => {
      stranger.listen(port, '127.0.0.1', resolve);
    });
    try {
      await engine.repository.commit(blogFiles({ database: true }));
      await engine.databasePhase('Running');
      const moved = await engine.portOf(DATABASE, 'tcp-postgresql');
      expect(moved).not.toBe(port);
      const shell = await engine.shell();
      shell.type('echo "url=$DATABASE_URL."');
      expect(await shell.waitFor(/url=postgresql:\S+\./)).toContain(`@127.0.0.1:${moved}/`);
    } finally {
      stranger.close();
    }
  });

  it('keeps its address and its password while it is stopped, over a restart of the engine too', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.databasePhase('Running');
    const before = [(await engine.kube(SECRET)).body, await engine.portOf(DATABASE, 'tcp-postgresql')];
    await engine.repository.commit(blogFiles({ database: true, stopped: true }));
    await engine.databasePhase('Stopped');
    await engine.stop();
    await engine.start();
    await engine.databasePhase('Stopped');
    const after = [(await engine.kube(SECRET)).body, await engine.portOf(DATABASE, 'tcp-postgresql')];
    expect(text(after[0], 'data', 'password')).toBe(text(before[0], 'data', 'password'));
    expect(after[1]).toBe(before[1]);
  });
});

describe('an engine that was killed', () => {
  it('ends what it left behind before it starts anything, and goes on with the same data', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    const child = await engine.startApart();
    try {
      const uid = text(await engine.readyPod(), 'metadata', 'uid') ?? '';
      await engine.databasePhase('Running');
      await ask('create table kept as select 42 as n');
      const shell = await engine.shell();
      shell.type('(trap "" HUP TERM; exec setsid sleep 900) & disown -a; echo "started-$((1+1))"');
      await shell.waitFor(/started-2/);
      await until(
        async () => ((await processesWith(MARKERS.pod, uid)).length >= 2 ? true : undefined),
        'processes of the sandbox',
      );
      const server = await postmaster();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      await engine.start();
      expect(await processesWith(MARKERS.pod, uid)).toEqual([]);
      expect(text(await engine.readyPod(), 'metadata', 'uid')).not.toBe(uid);
      await engine.databasePhase('Running');
      expect(await postmaster()).not.toBe(server);
      expect(await ask('select n from kept')).toEqual({ n: 42 });
    } finally {
      child.kill('SIGKILL');
    }
  });
});
