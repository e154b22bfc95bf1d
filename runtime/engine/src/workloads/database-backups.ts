import type { Logger } from 'pino';
import type { BackupKind, BackupStore, KeptBackup } from '../postgres/backup-store.js';
import type { PostgresService } from '../postgres/types.js';
import type { DurableState } from '../store/durable-state.js';
import { at, text, type KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';
import { backupObject, backupStatus, nameAt } from './backup-objects.js';
import { keyOfName, nameOfKey } from './controller.js';
import { parseSchedule } from './cron.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';

export interface DatabaseBackupsOptions {
  readonly store: Store;
  readonly state: DurableState;
  readonly postgres: PostgresService;
  readonly backups: BackupStore;
  readonly events: EventRecorder;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'error' | 'warn'>;
}

/** On a Cluster: the time of the last request for a backup, and `<backup>/<time>` of the last request to bring one back. */
const REQUESTED = 'fullstackagent.dev/backup-requested';
const RESTORE = 'fullstackagent.dev/restore';
const RESTORE_FORM = /^([a-z0-9][a-z0-9-]*)\/([0-9TZ:-]+)$/;

/** So that a clock that jumped, or a machine that slept, is noticed. */
const LOOK_AGAIN_MS = 10 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Of each kind: a laptop's disk is not endless. */
const KEPT: Readonly<Record<BackupKind, number>> = { scheduled: 30, requested: 10, 'before-restore': 2 };
/** Of those made by schedule: a clock that jumps by a year takes no more than what is older than these. */
const KEPT_AT_ANY_AGE = 3;

/** Backups of the databases: by the Cluster's schedule, on request, and back again. */
export class DatabaseBackups {
  readonly #queue: KeyedQueue;

  constructor(private readonly options: DatabaseBackupsOptions) {
    this.#queue = new KeyedQueue({
      name: 'database backups',
      log: options.log,
      handle: (key) => this.#attend(key),
    });
  }

  /** The database is as it is to be: time to look whether a backup is due. */
  settled(key: string): void {
    this.#queue.add(key);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Brings back what was asked for, once. The server is stopped then, and whoever called starts it again. */
  async restoreIfAsked(cluster: KubeObject, prepare: () => Promise<void>): Promise<void> {
    const { backups, postgres, events, log, now } = this.options;
    const asked = annotation(cluster, RESTORE);
    const id = instanceId(cluster);
    if (asked === undefined || (await backups.memoryOf(id)).restored === asked) return;
    const from = RESTORE_FORM.exec(asked)?.[1] ?? '';
    try {
      if (!(await backups.list(id)).some(({ name }) => name === from))
        throw new Error(`There is no backup ${from} of this database.`);
      await prepare();
      const aside = nameAt(cluster.metadata.name, now(), 'before-restore');
      await postgres.whileStopped(id, (dataFolder) => backups.restore({ id, from, aside, dataFolder }));
      events.note(cluster, 'Restored', `The database is as in ${from}; what it was is kept as ${aside}.`);
      log.info({ id, from, aside }, 'a database was restored');
    } catch (error) {
      // Nothing was changed: the database goes on as it is.
      const message = error instanceof Error ? error.message : String(error);
      events.warn(cluster, 'RestoreFailed', message);
      log.error({ err: error, id, from }, 'a database was not restored');
      if (!(await this.#hasData(id))) throw error;
    }
    await backups.remember(id, { restored: asked });
  }

  /** With the database its backups go. */
  async remove(cluster: KubeObject): Promise<void> {
    await this.options.backups.removeAll(instanceId(cluster));
    for (const { metadata } of this.#published(cluster)) this.#unpublish(cluster, metadata.name);
  }

  async #attend(key: string): Promise<void> {
    const cluster = this.options.store.get({ kind: 'Cluster', ...nameOfKey(key) });
    const phase = cluster === undefined ? undefined : text(cluster, 'status', 'phase');
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return;
    if (phase !== 'Running' && phase !== 'Stopped') return;
    await this.#onRequest(cluster);
    const next = phase === 'Running' ? await this.#bySchedule(cluster) : undefined;
    await this.#expire(cluster);
    await this.#publish(cluster);
    if (next !== undefined) this.#queue.addLater(key, Math.min(next, LOOK_AGAIN_MS));
  }

  async #onRequest(cluster: KubeObject): Promise<void> {
    const requested = annotation(cluster, REQUESTED);
    const id = instanceId(cluster);
    if (requested === undefined || (await this.options.backups.memoryOf(id)).requested === requested) return;
    await this.options.backups.remember(id, { requested });
    await this.#take(cluster, 'requested');
  }

  /** Makes the one that is due. Answers the milliseconds to the next one. */
  async #bySchedule(cluster: KubeObject): Promise<number | undefined> {
    const schedule = parseSchedule(text(cluster, 'spec', 'backup', 'cronExpression') ?? '');
    if (schedule === undefined || at(cluster, 'spec', 'backup', 'enabled') !== true) return undefined;
    const now = this.options.now();
    // One for all that were missed while the machine was off.
    const due = schedule.before(now);
    if (due !== undefined && due.getTime() > (await this.#lastScheduled(cluster, now)))
      await this.#take(cluster, 'scheduled');
    const next = schedule.after(now);
    return next === undefined ? undefined : next.getTime() - now.getTime();
  }

  /**
   * When the latest was made, or since when there is a schedule. What is of a time to come is of a clock that was wrong:
   * no reason to wait for that time.
   */
  async #lastScheduled(cluster: KubeObject, now: Date): Promise<number> {
    const { backups } = this.options;
    const id = instanceId(cluster);
    const { since } = await backups.memoryOf(id);
    const made = (await backups.list(id)).filter(({ kind }) => kind === 'scheduled');
    const times = [...made.map(({ createdAt }) => createdAt), since].map((at) => Date.parse(at));
    return Math.max(...times.filter((at) => at <= now.getTime()));
  }

  /** A failure is the object's status and an event, and no reason to try again at once. */
  async #take(cluster: KubeObject, kind: BackupKind): Promise<void> {
    const { store, backups, postgres, state, events, now, log } = this.options;
    const { name, namespace } = cluster.metadata;
    const id = instanceId(cluster);
    const backup = nameAt(name, now(), kind);
    const ref = { kind: 'Backup', namespace, name: backup };
    const startedAt = now();
    for (const object of this.#published(cluster))
      if (text(object, 'status', 'phase') === 'Failed') this.#unpublish(cluster, object.metadata.name);
    store.apply(backupObject(cluster, { name: backup, kind }));
    store.setStatus(ref, backupStatus({ phase: 'Running', startedAt }));
    try {
      const password = state.value.passwords[keyOfName(namespace, name)];
      if (password === undefined) throw new Error('The database has not run yet.');
      await backups.take({ dataFolder: await postgres.dataFolder(id), password }, { id, name: backup, kind });
      log.info({ id, backup }, 'a database was backed up');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      events.warn(cluster, 'BackupFailed', message);
      log.error({ err: error, id }, 'a database was not backed up');
      store.setStatus(ref, backupStatus({ phase: 'Failed', startedAt, message }));
    }
  }

  /** By age, as the Cluster says, and by count. */
  async #expire(cluster: KubeObject): Promise<void> {
    const { backups, now } = this.options;
    const id = instanceId(cluster);
    const days = Number(/^(\d+)d$/.exec(text(cluster, 'spec', 'backup', 'retentionPeriod') ?? '')?.[1]);
    const oldest = Number.isNaN(days) ? Number.NEGATIVE_INFINITY : now().getTime() - days * DAY_MS;
    const all = await backups.list(id);
    for (const [kind, count] of Object.entries(KEPT)) {
      const ofKind = all.filter((backup) => backup.kind === kind);
      const tooOld = ({ createdAt }: KeptBackup, index: number): boolean =>
        kind === 'scheduled' && index >= KEPT_AT_ANY_AGE && Date.parse(createdAt) < oldest;
      for (const [index, backup] of ofKind.entries())
        if (index >= count || tooOld(backup, index)) await backups.remove(id, backup.name);
    }
  }

  /** The objects of what is on the disk, and of the failures since the start. */
  async #publish(cluster: KubeObject): Promise<void> {
    const { store, backups } = this.options;
    const kept = await backups.list(instanceId(cluster));
    for (const backup of kept) {
      const { namespace } = store.apply(backupObject(cluster, backup)).metadata;
      const { createdAt, completedAt, bytes } = backup;
      store.setStatus(
        { kind: 'Backup', namespace, name: backup.name },
        backupStatus({
          phase: 'Completed',
          startedAt: new Date(createdAt),
          completedAt: new Date(completedAt),
          bytes,
        }),
      );
    }
    const names = new Set(kept.map(({ name }) => name));
    for (const object of this.#published(cluster))
      if (!names.has(object.metadata.name) && text(object, 'status', 'phase') !== 'Failed')
        this.#unpublish(cluster, object.metadata.name);
  }

  #published({ metadata }: KubeObject): readonly KubeObject[] {
    return this.options.store
      .list('Backup', metadata.namespace)
      .filter((object) => object.metadata.labels?.['app.kubernetes.io/instance'] === metadata.name);
  }

  #unpublish({ metadata }: KubeObject, name: string): void {
    this.options.store.remove({ kind: 'Backup', namespace: metadata.namespace, name });
  }

  async #hasData(id: string): Promise<boolean> {
    return this.options.backups.isThere(await this.options.postgres.dataFolder(id));
  }
}

const annotation = ({ metadata }: KubeObject, name: string): string | undefined =>
  metadata.annotations?.[name];

export const instanceId = ({ metadata }: KubeObject): string =>
  `${metadata.namespace ?? ''}-${metadata.name}`;
