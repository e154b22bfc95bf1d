import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import type { Logger } from 'pino';
import { AppError } from '@fullstackagent/controller/contract';
import { databaseError } from './database-error.js';

export type Db = NodePgDatabase;

const CONNECT_LIMIT_MS = 3_000;
const STATEMENT_LIMIT_MS = 15_000;
const MAX_CONNECTIONS = 10;
/** Any number, the same in every portal: one of them migrates, the others wait. */
const MIGRATION_LOCK = 7_263_012;
const LONGEST_WAIT_MS = 5_000;

/**
 * The portal's PostgreSQL. Being away is a state, not the end: calls fail with NOT_READY meanwhile, and work again when
 * it is back.
 */
export class Database {
  readonly #pool: pg.Pool;
  /** For what brings its own queries (Lucia). Call it inside {@link use}. */
  readonly db: Db;
  readonly #log: Logger;
  #migrated = false;

  constructor(url: string, log: Logger) {
    this.#log = log;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      statement_timeout: STATEMENT_LIMIT_MS,
      query_timeout: STATEMENT_LIMIT_MS,
      application_name: 'fullstackagent-portal',
    });
    // A connection that breaks while nobody uses it: unheard, the event would end the process.
    this.#pool.on('error', () => undefined);
    // The same for one that is in the middle of a transaction.
    this.#pool.on('connect', (client) => {
      client.on('error', (error) => {
        log.warn({ err: error }, 'a database connection broke');
      });
    });
    this.db = drizzle(this.#pool);
  }

  /** Runs `work`. Throws NOT_READY where the database cannot be reached, and what `work` throws itself. */
  async use<T>(work: (db: Db) => Promise<T>): Promise<T> {
    if (!this.#migrated) throw new AppError('NOT_READY', 'The portal is waiting for its database.');
    try {
      return await work(this.db);
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** Whether the tables are as this version of the portal wants them. */
  get migrated(): boolean {
    return this.#migrated;
  }

  /** Brings the tables up to date. Tries until it works or `signal` aborts; then it rejects. */
  async migrate(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#migrateOnce();
        this.#migrated = true;
        return;
      } catch (error) {
        this.#log.warn({ err: databaseError(error) }, 'the database cannot be migrated yet');
        await pause(Math.min(100 * 2 ** attempt, LONGEST_WAIT_MS), undefined, { signal });
      }
    }
  }

  async #migrateOnce(): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await migrate(drizzle(client), { migrationsFolder: migrationsFolder() });
    } finally {
      // With the connection goes the lock.
      client.release(true);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** `webui/drizzle`, from the source as from the build: the nearest folder above that has it. */
function migrationsFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'drizzle');
    if (existsSync(join(candidate, 'meta', '_journal.json'))) return candidate;
    if (folder === dirname(folder)) throw new Error('The folder webui/drizzle is missing.');
  }
}
