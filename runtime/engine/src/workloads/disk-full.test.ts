import { once } from 'node:events';
import { open, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type DatabaseError } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { list, text } from '../store/object.js';
import { CLUSTER, isReady, POD, TestEngine, until } from '../testing/engine-harness.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';

const DATABASE = 'blog--db-postgresql-postgresql';
const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/blog--db-postgresql-account-postgres`;
/** A database that gave up is tried again within a minute. */
const HEALING_MS = 90_000;

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.create();
});
afterEach(() => engine.remove());

async function connected(): Promise<Client> {
  const password = text((await engine.kube(SECRET)).body, 'data', 'password') ?? '';
  const client = new Client({
    host: '127.0.0.1',
    port: await engine.portOf(DATABASE, 'tcp-postgresql'),
    user: 'postgres',
    database: 'postgres',
    password: Buffer.from(password, 'base64').toString(),
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Writes until there is no room for one more kilobyte. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const size of [1 << 20, 1 << 10])
      while (
        await file.write(Buffer.alloc(size)).then(
          ({ bytesWritten }) => bytesWritten === size,
          () => false,
        )
      );
  } finally {
    await file.close();
  }
  expect((await statfs(path)).bavail).toBe(0);
}

/** How many rows were acknowledged, and with what words one was refused. */
async function insert(client: Client, times: number): Promise<{ rows: number; said?: string }> {
  for (let time = 0; time < times; time += 1)
    try {
      await client.query(`insert into kept select repeat('x', 1000) from generate_series(1, 100)`);
    } catch (error) {
      return { rows: 100 * time, said: (error as DatabaseError).message };
    }
  return { rows: 100 * times };
}

const postmaster = async (): Promise<number> => {
  const data = join(engine.seenHome, 'postgres', 'instances', `${NAMESPACE}-blog--db`, 'data');
  return Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
};

const database = async (): Promise<{ phase: string | undefined; message: string }> => {
  const { body } = await engine.kube(CLUSTER);
  return { phase: text(body, 'status', 'phase'), message: text(body, 'status', 'message') ?? '' };
};

const nodeCondition = async (type: string): Promise<string | undefined> => {
  const { body } = await engine.kube('/api/v1/nodes/local');
  const found = list(body, 'status', 'conditions').find((entry) => text(entry, 'type') === type);
  return text(found, 'status');
};

it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'a full disk: what was acknowledged stays, the engine lives and says it, and goes on when there is room (only as root)',
  async () => {
    await engine.repository.commit(blogFiles({ database: true, replicas: 0 }));
    const child = await engine.startOnSmallDisk('400m');
    try {
      await engine.databasePhase('Running');
      const client = await connected();
      await client.query('create table kept (row text)');
      await client.query(`insert into kept values ('first')`);
      const before = await insert(client, 5);
      expect(await nodeCondition('DiskPressure')).toBe('False');
      const filler = join(engine.seenHome, 'filler');
      await fill(filler);

      const full = await insert(client, 1000);
      expect(full.said).toMatch(/No space left on device/);
      await client.end().catch(() => undefined);
      await until(
        async () => (await nodeCondition('DiskPressure')) === 'True' || undefined,
        'a Node that says it',
        30_000,
      );
      // New work: a sandbox, for which there is no room.
      await engine.repository.commit(blogFiles({ database: true }));
      await until(
        async () => {
          const { body } = await engine.kube(POD);
          const [status] = list(body, 'status', 'containerStatuses');
          return (
            text(status, 'state', 'waiting', 'message')?.startsWith('The disk is full') === true || undefined
          );
        },
        'a pod that says why it waits',
        30_000,
      );
      // And a database that would have to start anew.
      process.kill(await postmaster(), 'SIGKILL');
      await until(
        async () => {
          const now = await database();
          return now.phase === 'Failed' && /disk is full|No space left/.test(now.message) ? now : undefined;
        },
        'a database that says why it failed',
        HEALING_MS,
      );

      await rm(filler);
      await until(async () => isReady((await engine.kube(POD)).body) || undefined, 'a ready pod', HEALING_MS);
      await until(async () => (await database()).phase === 'Running' || undefined, 'a database', HEALING_MS);
      const again = await connected();
      const { rows } = await again.query<{ n: string }>('select count(*) as n from kept');
      await again.end();
      expect(Number(rows[0]?.n)).toBe(1 + before.rows + full.rows);
      await until(
        async () => (await nodeCondition('DiskPressure')) === 'False' || undefined,
        'no pressure',
        30_000,
      );
    } finally {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }
  },
  240_000,
);
