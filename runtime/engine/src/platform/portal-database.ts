import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  createPostgresService,
  PostgresError,
  type PostgresInstance,
  type PostgresService,
} from '../postgres/index.js';
import { StartProblem } from './problem.js';

const PAUSES_MS = [200, 500, 1000, 2000, 5000];
const LONGEST_PAUSE_MS = 10_000;

export interface PortalDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

export interface PortalDatabaseOptions {
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  readonly log: Logger;
}

/** The portal's own PostgreSQL: started here, and started again when it dies. */
export async function startPortalDatabase(options: PortalDatabaseOptions): Promise<PortalDatabase> {
  const { folder, port, password, log } = options;
  const service = createPostgresService({ root: folder, log });
  const keeper = new Keeper(service, { id: 'portal', port, password }, log);
  try {
    await keeper.start();
  } catch (error) {
    if (error instanceof PostgresError) throw new StartProblem(error.message, error);
    throw error;
  }
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop: () => keeper.stop(),
  };
}

class Keeper {
  readonly #service: PostgresService;
  readonly #instance: PostgresInstance;
  readonly #log: Logger;
  #stopping = false;

  constructor(service: PostgresService, instance: PostgresInstance, log: Logger) {
    this.#service = service;
    this.#instance = instance;
    this.#log = log;
  }

  async start(): Promise<void> {
    const server = await this.#service.ensure(this.#instance);
    server.onExit((exit) => {
      if (this.#stopping) return;
      this.#log.error({ ...exit }, "The portal's database ended unexpectedly");
      void this.#startAgain();
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#service.stopAll();
  }

  async #startAgain(): Promise<void> {
    let pauses = PAUSES_MS;
    for (;;) {
      const [pause = LONGEST_PAUSE_MS, ...later] = pauses;
      pauses = later;
      await sleep(pause);
      if (this.#stopping) return;
      try {
        await this.start();
        return;
      } catch (error) {
        this.#log.error({ err: error }, "The portal's database does not start");
      }
    }
  }
}
