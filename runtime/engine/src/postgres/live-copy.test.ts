import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { freePort } from '../testing/free-port.js';
import { copyDatabase } from './live-copy.js';
import { createPostgresService } from './service.js';
import type { PostgresService, RunningPostgres } from './types.js';

const password = 'password-of-this-test';
let base = '';
let service: PostgresService;
let server: RunningPostgres;

const dataOf = (id: string): string => join(base, 'instances', id, 'data');

async function connected<T>(port: number, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const numbers = (port: number): Promise<number[]> =>
  connected(port, async (client) =>
    (await client.query<{ n: number }>('SELECT n FROM note ORDER BY n')).rows.map(({ n }) => n),
  );

/** Starts a server on a copy, as if it were an instance of its own. */
async function startOn(id: string): Promise<RunningPostgres> {
  return service.ensure({ id, port: await freePort(), password });
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-copy-'));
  await chmod(base, 0o755);
  service = createPostgresService({ root: base, log: pino({ level: 'silent' }) });
  server = await startOn('source');
  await connected(server.port, (client) => client.query('CREATE TABLE note (n int, filler text)'));
});

afterAll(async () => {
  await service.stopAll();
  await rm(base, { recursive: true, force: true });
});

describe('a copy of a database', () => {
  it('holds all that was committed before, and no half of anything, while somebody writes', async () => {
    let written = 0;
    let stop = false;
    const writing = connected(server.port, async (client) => {
      while (!stop) {
        await client.query(
          `INSERT INTO note SELECT ${written + 1}, repeat('x', 3000) FROM generate_series(1, 2)`,
        );
        written += 1;
        if (written % 50 === 0) await client.query('CHECKPOINT');
      }
    });
    await pollUntil(() => (written > 20 ? true : undefined), { everyMs: 5, deadlineMs: 45_000 });
    const before = written;
    expect(before).toBeGreaterThan(20);
    await mkdir(join(base, 'instances', 'copied'), { mode: 0o711 });
    await copyDatabase({ dataFolder: dataOf('source'), password }, dataOf('copied'));
    stop = true;
    await writing;
    const copy = await startOn('copied');
    const found = await numbers(copy.port);
    expect(found.length).toBeGreaterThanOrEqual(2 * before);
    expect(found.length % 2).toBe(0);
    // Everything up to one moment, and nothing after it.
    expect(found).toEqual(Array.from({ length: found.length }, (_, index) => Math.floor(index / 2) + 1));
    await copy.stop();
  });

  it('leaves nothing behind in the server', async () => {
    const slots = await connected(server.port, (client) =>
      client.query('SELECT * FROM pg_replication_slots'),
    );
    expect(slots.rows).toEqual([]);
  });

  it('is made of a stopped database too, and belongs to who runs it', async () => {
    const expected = await numbers(server.port);
    await server.stop();
    await mkdir(join(base, 'instances', 'cold'), { mode: 0o711 });
    await copyDatabase({ dataFolder: dataOf('source'), password }, dataOf('cold'));
    const [wanted, made] = await Promise.all([stat(dataOf('source')), stat(dataOf('cold'))]);
    expect([made.uid, made.mode]).toEqual([wanted.uid, wanted.mode]);
    const copy = await startOn('cold');
    expect(await numbers(copy.port)).toEqual(expected);
    await copy.stop();
  });

  it('is refused with a sentence where the password does not open the server, and leaves no half', async () => {
    server = await startOn('source');
    await mkdir(join(base, 'instances', 'refused'));
    const copying = copyDatabase(
      { dataFolder: dataOf('source'), password: 'another-one' },
      dataOf('refused'),
    );
    await expect(copying).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: expect.stringContaining('password') as string,
    });
    expect(await readdir(join(base, 'instances', 'refused'))).toEqual([]);
  });
});
