import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { BackupStore, createPostgresService } from '../postgres/index.js';
import { DurableState } from '../store/durable-state.js';
import { list, number, text, type KubeObject } from '../store/object.js';
import { Store } from '../store/store.js';
import { DatabaseBackups } from './database-backups.js';
import { DatabaseController } from './databases.js';
import { EventRecorder } from './events.js';
import { PortAllocator } from './ports.js';

const log = pino({ level: 'silent' });
const ref = { kind: 'Cluster', namespace: 'ns-a', name: 'blog--db' };
const KEY = 'ns-a/blog--db';
let base = '';
let clock = new Date('2026-11-24T02:00:00Z');
let engine: Life;

interface Life {
  readonly store: Store;
  readonly backups: DatabaseBackups;
  close(): Promise<void>;
}

/** The part of an engine that has databases, on the same folder each time. */
async function live(): Promise<Life> {
  const now = (): Date => clock;
  const store = new Store({ now });
  const state = await DurableState.open(join(base, 'state.json'), () => ({
    ...{ engineId: 'e', token: 't', ports: {}, passwords: {} },
  }));
  const postgres = createPostgresService({ root: join(base, 'postgres'), log });
  const events = new EventRecorder(store, now);
  const kept = await BackupStore.open(join(base, 'backups'), now);
  const backups = new DatabaseBackups({ store, state, postgres, events, now, log, backups: kept });
  const ports = new PortAllocator(state);
  const databases = new DatabaseController({
    ...{ store, state, ports, postgres, backups, events, log },
    version: '18.1',
  });
  store.onChange((change) => {
    databases.onChange(change);
  });
  return { store, backups, close: () => databases.close() };
}

interface Wanted {
  readonly annotations?: Record<string, string>;
  readonly backup?: object;
  readonly stop?: boolean;
}

function want({ annotations = {}, backup, stop = false }: Wanted = {}): void {
  engine.store.apply({
    apiVersion: 'apps.kubeblocks.io/v1',
    kind: 'Cluster',
    metadata: { name: ref.name, namespace: ref.namespace, annotations },
    spec: {
      componentSpecs: [{ name: 'postgresql', stop }],
      ...(backup === undefined ? {} : { backup }),
    },
  });
}

const nightly = { enabled: true, cronExpression: '0 3 * * *', retentionPeriod: '2d' };
const REQUESTED = 'fullstackagent.dev/backup-requested';
const RESTORE = 'fullstackagent.dev/restore';

async function until<T>(ask: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const found = await pollUntil(ask, { everyMs: 20, deadlineMs: 45_000 });
  if (found === undefined) throw new Error(`It never came to this: ${what}`);
  return found;
}

const phase = (wanted: string): Promise<unknown> =>
  until(
    () => (text(engine.store.get(ref), 'status', 'phase') === wanted ? true : undefined),
    `a database that is ${wanted}`,
  );

const completed = (kind: string): KubeObject[] =>
  engine.store
    .list('Backup', 'ns-a')
    .filter((object) => object.metadata.labels?.['fullstackagent.dev/backup-kind'] === kind)
    .filter((object) => text(object, 'status', 'phase') === 'Completed');

const oneBackup = (kind: string): Promise<KubeObject> => until(() => completed(kind)[0], `a ${kind} backup`);

const eventOf = (reason: string): Promise<string> =>
  until(
    () =>
      text(
        engine.store.list('Event').find((event) => text(event, 'reason') === reason),
        'message',
      ),
    `an event ${reason}`,
  );

async function sql(statement: string): Promise<unknown[]> {
  const slice = engine.store.get({ ...ref, kind: 'EndpointSlice', name: 'blog--db-postgresql-postgresql' });
  const secret = engine.store.get({ ...ref, kind: 'Secret', name: 'blog--db-postgresql-account-postgres' });
  const password = Buffer.from(text(secret, 'data', 'password') ?? '', 'base64').toString();
  const port = number(list(slice, 'ports')[0], 'port') ?? 0;
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-backups-'));
  await chmod(base, 0o755);
  clock = new Date('2026-11-24T02:00:00Z');
  engine = await live();
});

afterEach(async () => {
  await engine.close();
  await rm(base, { recursive: true, force: true });
});

describe('a backup on request', () => {
  it('is made once, brought back once, and what stood before is kept', async () => {
    want();
    await phase('Running');
    await sql('CREATE TABLE note (text text)');
    await sql("INSERT INTO note VALUES ('first')");
    want({ annotations: { [REQUESTED]: '2026-11-24T02:00:00Z' } });
    const backup = await oneBackup('requested');
    expect(Number(text(backup, 'status', 'totalSize'))).toBeGreaterThan(1_000_000);
    await sql("INSERT INTO note VALUES ('second')");

    clock = new Date('2026-11-24T02:05:00Z');
    const annotations = {
      [REQUESTED]: '2026-11-24T02:00:00Z',
      [RESTORE]: `${backup.metadata.name}/2026-11-24T02:05:00Z`,
    };
    want({ annotations });
    expect(await eventOf('Restored')).toContain(`The database is as in ${backup.metadata.name}`);
    await oneBackup('before-restore');
    await phase('Running');
    expect(await sql('SELECT text FROM note')).toEqual([{ text: 'first' }]);
    await sql("INSERT INTO note VALUES ('third')");

    // Another life with the same documents does nothing of it again.
    await engine.close();
    engine = await live();
    want({ annotations });
    await phase('Running');
    await oneBackup('before-restore');
    expect(await sql('SELECT text FROM note')).toEqual([{ text: 'first' }, { text: 'third' }]);
    expect([completed('requested').length, completed('before-restore').length]).toEqual([1, 1]);

    // And the way back from the restore.
    const [before] = completed('before-restore');
    clock = new Date('2026-11-24T02:10:00Z');
    want({ annotations: { [RESTORE]: `${before?.metadata.name ?? ''}/2026-11-24T02:10:00Z` } });
    await until(() => (completed('before-restore').length === 2 ? true : undefined), 'a second set aside');
    await phase('Running');
    expect(await sql('SELECT text FROM note')).toEqual([{ text: 'first' }, { text: 'second' }]);
  });

  it('leaves the data alone where there is no such backup, and says so', async () => {
    want();
    await phase('Running');
    await sql('CREATE TABLE note (text text)');
    want({ annotations: { [RESTORE]: 'blog--db-requested-1/2026-11-24T02:05:00Z' } });
    expect(await eventOf('RestoreFailed')).toBe('There is no backup blog--db-requested-1 of this database.');
    await phase('Running');
    expect(await sql('SELECT count(*)::int AS n FROM note')).toEqual([{ n: 0 }]);
    want({ annotations: { [RESTORE]: '../../etc/2026-11-24T02:05:00Z' } });
    await until(
      () =>
        engine.store.list('Event').filter((event) => text(event, 'reason') === 'RestoreFailed').length > 1
          ? true
          : undefined,
      'a second refusal',
    );
    expect(await sql('SELECT count(*)::int AS n FROM note')).toEqual([{ n: 0 }]);
  });

  it('is made of a stopped database, and brought back without starting it', async () => {
    want();
    await phase('Running');
    want({ stop: true });
    await phase('Stopped');
    want({ stop: true, annotations: { [REQUESTED]: '2026-11-24T02:00:00Z' } });
    const { name } = (await oneBackup('requested')).metadata;
    want({ stop: true, annotations: { [RESTORE]: `${name}/2026-11-24T02:01:00Z` } });
    await eventOf('Restored');
    await phase('Stopped');
  });

  it('goes with its database', async () => {
    want({ annotations: { [REQUESTED]: '2026-11-24T02:00:00Z' } });
    await oneBackup('requested');
    engine.store.markDeleted(ref, 0);
    await until(() => (engine.store.get(ref) === undefined ? true : undefined), 'no database');
    expect(engine.store.list('Backup')).toEqual([]);
    expect(await readdir(join(base, 'backups'))).toEqual([]);
  });
});

describe('scheduled backups', () => {
  const look = async (at: string, count: number): Promise<string[]> => {
    clock = new Date(at);
    engine.backups.settled(KEY);
    await until(() => (completed('scheduled').length === count ? true : undefined), `${count} backups`);
    return completed('scheduled').map((object) => text(object, 'status', 'startTimestamp') ?? '');
  };

  /** From then on the schedule is known: the first look at it has written down when that was. */
  const known = (): Promise<unknown> =>
    until(() => readdir(join(base, 'backups', 'ns-a-blog--db')).catch(() => undefined), 'a first look');

  it('are made when they are due, once for all that were missed, and go by age', async () => {
    want({ backup: nightly });
    await phase('Running');
    await known();
    // Never before the schedule was known, or each new database would begin with one.
    expect(await look('2026-11-24T02:59:59Z', 0)).toEqual([]);
    expect(await look('2026-11-24T03:00:10Z', 1)).toEqual(['2026-11-24T03:00:10Z']);
    expect(await look('2026-11-24T23:00:00Z', 1)).toEqual(['2026-11-24T03:00:10Z']);
    // The machine was off at three.
    expect(await look('2026-11-25T09:30:00Z', 2)).toContain('2026-11-25T09:30:00Z');
    await look('2026-11-26T03:00:00Z', 3);
    await engine.close();
    engine = await live();
    clock = new Date('2026-12-10T03:00:00Z');
    want({ backup: nightly });
    await phase('Running');
    // Three stay at any age.
    expect((await look('2026-12-10T03:00:00Z', 3)).sort()).toEqual([
      ...['2026-11-25T09:30:00Z', '2026-11-26T03:00:00Z', '2026-12-10T03:00:00Z'],
    ]);
  });

  it('go on after the clock was wrong by a year, and few go by that', async () => {
    want({ backup: { ...nightly, retentionPeriod: '7d' } });
    await phase('Running');
    await known();
    for (const [index, day] of ['24', '25', '26', '27'].entries())
      await look(`2026-11-${day}T03:00:10Z`, index + 1);
    // Ahead: one for all that seem missed, and what seems old goes, but for the newest.
    expect(await look('2027-11-27T04:00:00Z', 3)).toContain('2027-11-27T04:00:00Z');
    // And right again: not one less for what was made in a time to come.
    expect(await look('2026-11-28T03:00:10Z', 4)).toContain('2026-11-28T03:00:10Z');
    expect(await look('2026-11-28T03:20:00Z', 4)).toContain('2027-11-27T04:00:00Z');
  });

  it('pause with the database', async () => {
    want({ backup: nightly });
    await phase('Running');
    want({ stop: true, backup: { ...nightly, enabled: false } });
    await phase('Stopped');
    clock = new Date('2026-11-24T04:00:00Z');
    engine.backups.settled(KEY);
    want({ stop: true, backup: { ...nightly, enabled: false }, annotations: { [REQUESTED]: 'now' } });
    await oneBackup('requested');
    expect(completed('scheduled')).toEqual([]);
  });
});
