import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { fullDisk } from '../files/durable.js';
import type { PostgresExit, PostgresService, RunningPostgres } from '../postgres/types.js';
import type { DurableState } from '../store/durable-state.js';
import { at, record, text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { isReport, keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { instanceId, type DatabaseBackups } from './database-backups.js';
import { databaseObjects, databaseServiceName } from './database-objects.js';
import { databaseStatus, type DatabasePhase } from './database-status.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';
import type { PortAllocator } from './ports.js';
import { Turns } from './turns.js';

export interface DatabaseControllerOptions {
  readonly store: Store;
  readonly state: DurableState;
  readonly ports: PortAllocator;
  readonly postgres: PostgresService;
  /** What `postgres` runs, whichever version a manifest names. */
  readonly version: string;
  readonly backups: DatabaseBackups;
  readonly events: EventRecorder;
  readonly log: Pick<Logger, 'info' | 'error' | 'warn'>;
}

interface Server {
  readonly running: RunningPostgres;
  readonly since: number;
  /** The restart annotation it was started under. */
  readonly restart: string | undefined;
}

/** So many ends in a row are no accident. */
const FAILING_AFTER = 2;
/** A server that ran this long did not fail to start. */
const STABLE_MS = 60_000;
const RETRY_MS = [500, 1000, 2000, 5000, 15_000, 60_000];

/** A KubeBlocks Cluster is a real PostgreSQL server with the Secret and the Service that KubeBlocks would make. */
export class DatabaseController implements WorkloadController {
  readonly #queue: KeyedQueue;
  readonly #servers = new Map<string, Server>();
  readonly #crashes = new Map<string, number>();
  readonly #starts = Turns.forStarts();
  #closing = false;

  constructor(private readonly options: DatabaseControllerOptions) {
    this.#queue = new KeyedQueue({
      name: 'databases',
      log: options.log,
      handle: (key) => this.#reconcile(key),
    });
  }

  onChange(change: Change): void {
    const { kind, metadata } = change.object;
    if (kind === 'Cluster' && !isReport(change))
      this.#queue.add(keyOfName(metadata.namespace, metadata.name));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.options.backups.close();
    await this.#queue.close();
    await this.options.postgres.stopAll();
  }

  async #reconcile(key: string): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const cluster = this.options.store.get({ kind: 'Cluster', namespace, name });
    if (cluster === undefined) return;
    if (cluster.metadata.deletionTimestamp !== undefined) return this.#remove(key, cluster);
    const stop = at(cluster, 'spec', 'componentSpecs', 0, 'stop') === true;
    const restart = text(cluster, 'spec', 'componentSpecs', 0, 'annotations', 'kubeblocks.io/restart');
    await this.options.backups.restoreIfAsked(cluster, async () => {
      this.#report(cluster, 'Updating', 'Bringing back a backup.');
      await this.#stop(key, cluster);
    });
    const server = this.#servers.get(key);
    if (stop || (server !== undefined && server.restart !== restart)) {
      this.#report(cluster, stop ? 'Stopping' : 'Updating');
      await this.#stop(key, cluster);
    }
    if (stop) this.#settle(cluster, { ready: false, phase: 'Stopped' });
    else await this.#run(key, cluster, restart);
    this.options.backups.settled(key);
  }

  async #run(key: string, cluster: KubeObject, restart: string | undefined): Promise<void> {
    const { ports, postgres, events, state } = this.options;
    const { namespace = '', name } = cluster.metadata;
    if (this.#servers.has(key)) {
      this.#report(cluster, 'Running');
      return;
    }
    const known = text(cluster, 'status', 'phase');
    this.#report(cluster, known === undefined || known === 'Creating' ? 'Creating' : 'Updating');
    let port = 0;
    try {
      const password = (state.value.passwords[key] ??= randomBytes(24).toString('hex'));
      await state.save();
      port = await ports.allocate(databasePortOwner(namespace, name));
      this.#publish(cluster, false);
      const running = await this.#starts.take(async () =>
        this.#closing ? undefined : postgres.ensure({ id: instanceId(cluster), port, password }),
      );
      if (running === undefined) return;
      this.#servers.set(key, { running, restart, since: performance.now() });
      running.onExit((exit) => {
        this.#exited(key, { running, exit, port });
      });
      this.#settle(cluster, { ready: true, phase: 'Running' });
    } catch (error) {
      ports.release(port);
      const message =
        fullDisk(error) ?? (error instanceof Error ? error.message : 'The server did not start.');
      events.warn(cluster, 'FailedStart', message);
      this.options.log.error({ err: error, key }, 'a database did not start');
      this.#report(cluster, 'Failed', message);
      this.#retry(key);
    }
  }

  /** A server that ends by itself is started again, later each time. */
  #exited(key: string, end: { running: RunningPostgres; exit: PostgresExit; port: number }): void {
    this.options.ports.release(end.port);
    const server = this.#servers.get(key);
    if (server?.running !== end.running || this.#closing) return;
    this.#servers.delete(key);
    if (performance.now() - server.since > STABLE_MS) this.#crashes.delete(key);
    const { namespace, name } = nameOfKey(key);
    const cluster = this.options.store.get({ kind: 'Cluster', namespace, name });
    if (cluster === undefined) return;
    const how = end.exit.signal ?? `exit code ${end.exit.code ?? '?'}`;
    this.options.events.warn(cluster, 'Exited', `PostgreSQL ended (${how}); starting it again.`);
    this.#publish(cluster, false);
    const failing = (this.#crashes.get(key) ?? 0) >= FAILING_AFTER;
    this.#report(cluster, failing ? 'Failed' : 'Updating', `PostgreSQL ended (${how}); starting it again.`);
    this.#retry(key);
  }

  #retry(key: string): void {
    const crashes = this.#crashes.get(key) ?? 0;
    this.#crashes.set(key, crashes + 1);
    this.#queue.addLater(key, RETRY_MS[Math.min(crashes, RETRY_MS.length - 1)] ?? 60_000);
  }

  async #stop(key: string, cluster: KubeObject): Promise<void> {
    const server = this.#servers.get(key);
    this.#servers.delete(key);
    this.#crashes.delete(key);
    this.#publish(cluster, false);
    await server?.running.stop();
  }

  /** The Secret, the Service and where it answers; nothing for a database that never ran. */
  #publish(cluster: KubeObject, ready: boolean): void {
    const { store, state, ports } = this.options;
    const { namespace = '', name } = cluster.metadata;
    const password = state.value.passwords[keyOfName(namespace, name)];
    const port = ports.find(databasePortOwner(namespace, name));
    if (password === undefined || port === undefined) return;
    for (const manifest of databaseObjects(cluster, { password, port, ready })) store.apply(manifest);
  }

  #settle(cluster: KubeObject, { ready, phase }: { ready: boolean; phase: DatabasePhase }): void {
    this.#publish(cluster, ready);
    this.#report(cluster, phase);
  }

  /** Only a Cluster that is to be deleted takes its data along; prune protection keeps the object, and so the data. */
  async #remove(key: string, cluster: KubeObject): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const { store, state, ports, postgres, log } = this.options;
    this.#report(cluster, 'Deleting');
    await this.#stop(key, cluster);
    await this.options.backups.remove(cluster);
    await postgres.remove(instanceId(cluster));
    log.warn({ key }, 'the database was deleted, and its data with it');
    this.#crashes.delete(key);
    Reflect.deleteProperty(state.value.passwords, key);
    await ports.forget(databasePortOwner(namespace, name));
    for (const [kind, object] of [
      ['Secret', `${name}-postgresql-account-postgres`],
      ['Service', databaseServiceName(name)],
      ['EndpointSlice', databaseServiceName(name)],
      ['Cluster', name],
    ] as const)
      store.remove({ kind, namespace, name: object });
  }

  #report(cluster: KubeObject, phase: DatabasePhase, message?: string): void {
    const { namespace, name } = cluster.metadata;
    const ref = { kind: 'Cluster', namespace, name };
    const current = this.options.store.get(ref);
    if (current === undefined) return;
    this.options.store.setStatus(
      ref,
      databaseStatus(record(current, 'status'), {
        ...{ phase, message },
        generation: cluster.metadata.generation ?? 1,
        version: {
          named: text(current, 'spec', 'componentSpecs', 0, 'serviceVersion') ?? '',
          running: this.options.version,
        },
      }),
    );
  }
}

const databasePortOwner = (namespace: string, name: string): string =>
  `${namespace}/${databaseServiceName(name)}:5432`;
