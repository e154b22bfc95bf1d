import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { removeHalfWritten } from '../files/durable.js';
import { ManagedChild } from './child.js';
import { ChildRecord, outliveEarlierChildren } from './child-record.js';
import type { Config } from './config.js';
import { openHome, type Home } from './home.js';
import { takeLock, type Lock } from './lock.js';
import { startPortalDatabase, type PortalDatabase } from './portal-database.js';
import { choosePorts } from './ports.js';
import {
  controllerProgram,
  engineFiles,
  engineProgram,
  portalProgram,
  publicUrl,
  type Place,
  type Program,
} from './programs.js';
import { ensureSecret } from './secrets.js';
import { writeSeed } from './seed.js';

const LOCK_PATIENCE_MS = 10_000;
const REMINDER_MS = 10_000;
/** The engine stops sandboxes and their databases; the others have little to do. */
const STOP_PATIENCE_MS = { engine: 45_000, controller: 15_000, portal: 10_000 } as const;

export interface SupervisorOptions {
  readonly config: Config;
  readonly say: (line: string) => void;
  readonly createLog: (file: string) => Logger;
}

/** Starts everything, keeps it running, and stops it in order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: ManagedChild[] = [];
  /** What has begun to start and is not ready yet. */
  readonly #awaited = new Set<string>();
  #lock: Lock | undefined;
  #record: ChildRecord | undefined;
  #database: PortalDatabase | undefined;
  #stopping: Promise<void> | undefined;
  #url: string | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Answers the portal's address when everything is ready. Throws what stands in the way; call `stop` then too. */
  async start(): Promise<string> {
    const { config, say } = this.#options;
    const home = await openHome(config.home);
    this.#lock = await takeLock(home.root, LOCK_PATIENCE_MS);
    await removeHalfWritten(home.root);
    const log = this.#options.createLog(join(home.logs, 'platform.log'));
    const earlier = await outliveEarlierChildren(home.children);
    if (earlier.length > 0) log.warn({ earlier }, 'An earlier life was not ended properly');
    const [ports] = await Promise.all([
      choosePorts({
        host: config.host,
        port: config.port,
        ingressPort: config.ingressPort,
        memory: home.ports,
        say,
      }),
      ensureSecret(home.tokenKey),
    ]);
    await this.#startAll({ config, home, ports }, log);
    this.#url = publicUrl(ports.portal);
    if (!this.stopping) this.#lock.announce({ state: 'ready', url: this.#url });
    return this.#url;
  }

  /** What the programs want a person to know. */
  get notices(): readonly string[] {
    return this.#children.flatMap(({ notice }) => notice ?? []);
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Portal, controller, engine with its sandboxes, database. Safe to call twice and at any time. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopInOrder();
    return this.#stopping;
  }

  /** Ends what is left at once. PostgreSQL's guards see to the databases when this process is gone. */
  kill(): void {
    for (const child of this.#children) child.kill();
  }

  async #startAll(place: Place, log: Logger): Promise<void> {
    const record = new ChildRecord(place.home.children);
    this.#record = record;
    const run = (program: Program): Promise<void> => this.#run(program, { place, log, record });
    const behindCluster = async (): Promise<void> => {
      if (place.config.cluster.kind === 'kubernetes') {
        await run(controllerProgram(place));
      } else if (await wasSeeded(place.home)) {
        // The controller waits for its cluster by itself; only a new repository needs what the engine makes first.
        await Promise.all([run(engineProgram(place)), run(controllerProgram(place))]);
      } else {
        await run(engineProgram(place));
        await seed(place.home);
        await run(controllerProgram(place));
      }
    };
    const behindDatabase = async (): Promise<void> => {
      await run(portalProgram(place, await this.#databaseUrl(place, log)));
    };
    const since = performance.now();
    const reminder = setInterval(() => {
      const seconds = Math.round((performance.now() - since) / 1000);
      this.#options.say(`Still starting after ${seconds} s: ${[...this.#awaited].join(', ')}`);
    }, REMINDER_MS);
    try {
      await Promise.all([behindCluster(), behindDatabase()]);
    } finally {
      clearInterval(reminder);
    }
  }

  async #databaseUrl({ config, home, ports }: Place, log: Logger): Promise<string> {
    if (config.databaseUrl !== undefined) return config.databaseUrl;
    const password = await ensureSecret(home.databasePassword);
    const database = await startPortalDatabase({
      folder: home.postgres,
      port: ports.database,
      password,
      log,
    });
    this.#database = database;
    // Ctrl-C while it was starting: nobody else will stop it.
    if (this.stopping) await database.stop();
    return database.url;
  }

  async #run(program: Program, around: { place: Place; log: Logger; record: ChildRecord }): Promise<void> {
    // Ctrl-C while something before it was starting.
    if (this.stopping) return;
    const { place, log, record } = around;
    const child = new ManagedChild({
      ...program,
      cwd: place.config.root,
      logFile: join(place.home.logs, `${program.name}.log`),
      log,
      onProcess: (name, pid) => (pid === undefined ? record.remove(name) : record.add(name, pid)),
    });
    this.#children.push(child);
    await this.#awaiting(program.name, child.start());
  }

  async #awaiting<T>(name: string, work: Promise<T>): Promise<T> {
    this.#awaited.add(name);
    const result = await work;
    this.#awaited.delete(name);
    return result;
  }

  async #stopInOrder(): Promise<void> {
    this.#lock?.announce(
      this.#url === undefined ? { state: 'stopping' } : { state: 'stopping', url: this.#url },
    );
    for (const name of ['portal', 'controller', 'engine'] as const) {
      const ofName = this.#children.filter((child) => child.name === name);
      await Promise.all(ofName.map((child) => child.stop(STOP_PATIENCE_MS[name])));
    }
    await this.#database?.stop();
    await this.#record?.settled();
    await this.#lock?.release();
  }
}

/** Whether the controller has made its repository from the seed in an earlier life. */
async function wasSeeded(home: Home): Promise<boolean> {
  // The folder itself is there from the first moment.
  const needed = [home.seed, join(home.repository, 'HEAD'), engineFiles(home).sealingCertificate];
  const there = await Promise.all(
    needed.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.every(Boolean);
}

async function seed(home: Home): Promise<void> {
  const sealingCertificate = await readFile(engineFiles(home).sealingCertificate, 'utf8');
  await writeSeed(home.seed, { sealingCertificate });
}
