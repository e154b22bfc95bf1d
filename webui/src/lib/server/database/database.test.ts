import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query, startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';
import { Database } from './database.js';
import { users } from './schema.js';

const log = pino({ level: 'silent' });
const away = expect.objectContaining({ code: 'NOT_READY' }) as Error;

describe('Database', () => {
  let postgres: PostgresForTests;
  const opened: Database[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await postgres.remove();
  });

  function open(url: string): Database {
    const database = new Database(url, log);
    opened.push(database);
    return database;
  }

  const one = (database: Database): Promise<unknown> => database.use((db) => db.execute(sql`select 1`));
  const never = new AbortController().signal;

  it('makes the tables once, however many portals start at the same time, and finds them the next time', async () => {
    const url = await postgres.database();
    await Promise.all([open(url), open(url), open(url)].map((database) => database.migrate(never)));
    await open(url).migrate(never);
    expect(await query(url, 'select count(*)::int as n from drizzle.__drizzle_migrations')).toEqual([
      { n: 4 },
    ]);
    const tables = await query(url, `select tablename from pg_tables where schemaname = 'public' order by 1`);
    expect(tables.map(({ tablename }) => tablename)).toEqual([
      'personal_access_tokens',
      'sessions',
      'terminal_share_guests',
      'terminal_shares',
      'token_codes',
      'users',
    ]);
  });

  it('has in the tables what the schema says', async () => {
    const url = await postgres.database();
    const database = open(url);
    await database.migrate(never);
    const row = { id: 'a', username: 'ada', passwordHash: 'h', namespace: 'ns-abcd1234', operator: true };
    await database.use((db) => db.insert(users).values(row));
    expect(await database.use((db) => db.select().from(users))).toMatchObject([row]);
    const twice = database.use((db) =>
      db.insert(users).values({ ...row, id: 'b', username: 'ADA', namespace: 'n' }),
    );
    await expect(twice).rejects.toMatchObject({ constraint: 'users_username_unique' });
  });

  it('answers NOT_READY before the tables are there', async () => {
    await expect(one(open(await postgres.database()))).rejects.toThrow(away);
  });

  it('gives up waiting when it is told to', async () => {
    const database = open('postgresql://nobody:x@127.0.0.1:1/none');
    const stop = new AbortController();
    const migrating = database.migrate(stop.signal);
    await expect(one(database)).rejects.toThrow(away);
    stop.abort();
    await expect(migrating).rejects.toThrow();
    expect(database.migrated).toBe(false);
  });

  it('waits for a server that starts later, and works again after it was away', async () => {
    const url = await postgres.database();
    const waiting = open(url);
    const working = open(url);
    await working.migrate(never);
    await one(working);
    // In the middle of a transaction, when the connection is nobody's to listen to but ours.
    const broken = working.use((db) =>
      db.transaction(async (tx) => {
        await postgres.stop();
        await tx.execute(sql`select 1`);
      }),
    );
    await expect(broken).rejects.toThrow(away);
    const migrated = waiting.migrate(never);
    await expect(one(working)).rejects.toThrow(away);
    await postgres.start();
    await migrated;
    await until('the database to work again', () => one(working).catch(() => undefined));
  });

  it('never shows what a query was asked with', async () => {
    const database = open(await postgres.database());
    await database.migrate(never);
    const refused = database.use((db) =>
      db.insert(users).values({
        id: 'a',
        username: 'ada',
        passwordHash: 'SECRET-HASH',
        namespace: null as unknown as string,
        operator: true,
      }),
    );
    const error = await refused.catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain('namespace');
    expect((error as Error).message).not.toContain('SECRET-HASH');
  });
});
