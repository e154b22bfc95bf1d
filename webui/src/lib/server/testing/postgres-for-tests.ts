import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { createPostgresService } from '../../../../../runtime/engine/src/postgres/index.js';

/** A real PostgreSQL of the tests' own, started the way the platform starts the portal's. */
export interface PostgresForTests {
  /** The address of a new, empty database. */
  database(): Promise<string>;
  /** Stops the server; its port stays reserved for {@link start}. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresForTests> {
  const root = await mkdtemp(join(tmpdir(), 'fsa-portal-'));
  const service = createPostgresService({ root, log: pino({ level: 'silent' }) });
  const instance = { id: 'portal', port: await freePort(), password: randomBytes(16).toString('hex') };
  const url = (name: string): string =>
    `postgresql://postgres:${instance.password}@127.0.0.1:${instance.port}/${name}`;
  const start = async (): Promise<void> => {
    await service.ensure(instance);
  };
  await start();
  let databases = 0;
  return {
    start,
    stop: () => service.stopAll(),
    database: async () => {
      databases += 1;
      const name = `portal_${databases}`;
      await query(url('postgres'), `create database ${name}`);
      return url(name);
    },
    remove: async () => {
      await service.stopAll();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** One query on a connection of its own: what is in the tables, past the code under test. */
export async function query(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** A port on 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('No port.'));
      });
    });
  });
}
