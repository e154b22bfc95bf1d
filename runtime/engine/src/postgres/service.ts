import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeFolder } from '../files/durable.js';
import { locateBinaries, versionOf, type PostgresBinaries } from './binaries.js';
import { cloneTemplate, finishRemovals } from './clone.js';
import { chooseIdentity, type Identity } from './identity.js';
import { stopLeftovers } from './leftovers.js';
import { ensurePassword, resetPasswordOffline } from './password.js';
import { startServer } from './server.js';
import { prepareTemplate, type Template } from './template.js';
import {
  PostgresError,
  type PostgresInstance,
  type PostgresLog,
  type PostgresService,
  type RunningPostgres,
} from './types.js';

export interface PostgresServiceOptions {
  /** Holds the template and `instances/<id>/{data,server.log}`. Made when missing. One service a folder. */
  readonly root: string;
  readonly log: PostgresLog;
}

/** What is found out once: where the programs are, who runs them, what is copied. */
interface Ground {
  readonly instances: string;
  readonly binaries: PostgresBinaries;
  readonly identity: Identity;
  readonly template: Template;
}

export function createPostgresService(options: PostgresServiceOptions): PostgresService {
  return new Service(options);
}

class Service implements PostgresService {
  readonly #options: PostgresServiceOptions;
  readonly #servers = new Map<string, { server: RunningPostgres; password: string }>();
  /** One thing at a time for each instance: a stop never meets a start. */
  readonly #queues = new Map<string, Promise<unknown>>();
  #ground: Promise<Ground> | undefined;

  constructor(options: PostgresServiceOptions) {
    this.#options = options;
  }

  async prepareTemplate(): Promise<void> {
    await this.#prepared();
  }

  async version(): Promise<string> {
    return versionOf((await this.#prepared()).binaries);
  }

  async ensure(instance: PostgresInstance): Promise<RunningPostgres> {
    checkInstance(instance);
    return this.#inTurn(instance.id, () => this.#ensureNow(instance));
  }

  async dataFolder(id: string): Promise<string> {
    checkId(id);
    return join((await this.#prepared()).instances, id, 'data');
  }

  async whileStopped(id: string, work: (dataFolder: string) => Promise<void>): Promise<void> {
    const dataFolder = await this.dataFolder(id);
    await this.#inTurn(id, async () => {
      await this.#servers.get(id)?.server.stop();
      await stopLeftovers(dataFolder, this.#options.log);
      await work(dataFolder);
    });
  }

  remove(id: string): Promise<void> {
    return this.whileStopped(id, (dataFolder) => removeFolder(dirname(dataFolder)));
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      [...this.#queues.keys()].map((id) =>
        this.#inTurn(id, async () => this.#servers.get(id)?.server.stop()),
      ),
    );
  }

  async #ensureNow(instance: PostgresInstance): Promise<RunningPostgres> {
    const running = this.#servers.get(instance.id);
    if (running?.server.port === instance.port && running.password === instance.password)
      return running.server;
    await running?.server.stop();
    const ground = await this.#prepared();
    const folder = join(ground.instances, instance.id);
    const fresh = await cloneTemplate(ground.template.dataFolder, folder);
    const dataFolder = join(folder, 'data');
    await stopLeftovers(dataFolder, this.#options.log);
    const start = (): Promise<RunningPostgres> =>
      startServer({
        dataFolder,
        port: instance.port,
        postgres: ground.binaries.postgres,
        identity: ground.identity,
        logFile: join(folder, 'server.log'),
      });
    const server = await this.#withPassword(instance, { ground, dataFolder, fresh, start });
    this.#servers.set(instance.id, { server, password: instance.password });
    server.onExit((exit) => {
      if (this.#servers.get(instance.id)?.server === server) this.#servers.delete(instance.id);
      this.#options.log.info({ id: instance.id, code: exit.code, signal: exit.signal }, 'PostgreSQL ended');
    });
    return server;
  }

  async #withPassword(
    instance: PostgresInstance,
    how: { ground: Ground; dataFolder: string; fresh: boolean; start: () => Promise<RunningPostgres> },
  ): Promise<RunningPostgres> {
    const { binaries, identity, template } = how.ground;
    const server = await how.start();
    try {
      const { port, password: wanted } = instance;
      const known = { port, wanted, templatePassword: template.password, fresh: how.fresh };
      if (await ensurePassword(known)) return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
    await server.stop();
    await resetPasswordOffline({ binaries, identity, dataFolder: how.dataFolder, wanted: instance.password });
    return how.start();
  }

  /** Prepared once; a failure is tried again by the next call, since a person may have mended the cause. */
  #prepared(): Promise<Ground> {
    this.#ground ??= this.#prepare().catch((error: unknown) => {
      this.#ground = undefined;
      throw error;
    });
    return this.#ground;
  }

  async #prepare(): Promise<Ground> {
    await mkdir(join(this.#options.root, 'instances'), { recursive: true, mode: 0o711 });
    // Servers are recognised by their data folder, so it has one name only.
    const root = await realpath(this.#options.root);
    const instances = join(root, 'instances');
    const binaries = await locateBinaries();
    const identity = await chooseIdentity({ initdb: binaries.initdb, dataRoot: instances });
    if (identity.kind === 'dropped-keeping-search') {
      this.#options.log.info(
        { capability: identity.capability },
        'PostgreSQL runs as nobody, past closed folders',
      );
    }
    const [template] = await Promise.all([
      prepareTemplate({ root, binaries, identity }),
      finishRemovals(instances),
    ]);
    return { instances, binaries, identity, template };
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(
      id,
      mine.catch(() => undefined),
    );
    return mine;
  }
}

function checkId(id: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,99}$/.test(id)) {
    throw new PostgresError('INVALID_INSTANCE', 'A database id is up to 100 of a-z, 0-9 and hyphens.');
  }
}

function checkInstance({ id, port, password }: PostgresInstance): void {
  checkId(id);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new PostgresError('INVALID_INSTANCE', `${port} is no port.`);
  }
  if (!/^[\x21-\x7e]{8,128}$/.test(password)) {
    throw new PostgresError('INVALID_INSTANCE', 'A database password is 8 to 128 visible ASCII characters.');
  }
}
