import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { isErrno, syncFolder, syncTree } from '../files/durable.js';
import { pollUntil } from '../files/polling.js';
import { PostgresError } from './types.js';

const run = promisify(execFile);

/** What is another server's when it is copied; PostgreSQL makes it anew where the folder is there. */
const EMPTY = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'backup_label', 'tablespace_map']);
const CONTROL = join('global', 'pg_control');
const SEGMENT = /^[0-9A-F]{24}$/;
/** A server that is starting or stopping is asked again. */
const SETTLING = { everyMs: 200, deadlineMs: 60_000 } as const;

export interface DatabaseFolder {
  readonly dataFolder: string;
  readonly password: string;
}

/**
 * A copy of a database at one moment, whether its server runs or not: `target` is complete when this answers, and not
 * there when it throws. Nobody may replace the data folder meanwhile; starting and stopping the server is fine.
 * Throws {@link PostgresError}.
 */
export async function copyDatabase(source: DatabaseFolder, target: string): Promise<void> {
  const half = `${target}.copying`;
  let last: unknown;
  const done = await pollUntil(async () => {
    await rm(half, { recursive: true, force: true });
    try {
      return (await copyOnce(source, half)) ? true : undefined;
    } catch (error) {
      if (error instanceof PostgresError) throw error;
      if (isErrno(error, '28P01'))
        throw new PostgresError('BACKUP_FAILED', 'The database does not take its password.', error);
      last = error;
      return undefined;
    }
  }, SETTLING).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true });
    throw error;
  });
  if (done === undefined) {
    await rm(half, { recursive: true, force: true });
    throw new PostgresError('BACKUP_FAILED', `The database cannot be copied: ${reason(last)}`, last);
  }
  await syncTree(half);
  await rename(half, target);
  await syncFolder(join(target, '..'));
}

/** Answers false where the server started or stopped in the middle. */
async function copyOnce(source: DatabaseFolder, target: string): Promise<boolean> {
  const port = await portOf(source.dataFolder);
  if (port !== undefined) {
    await copyRunning({ ...source, port }, target);
    return true;
  }
  const before = await stat(join(source.dataFolder, CONTROL));
  await copyFiles(source.dataFolder, target);
  await copyInto(
    join(source.dataFolder, 'pg_wal'),
    join(target, 'pg_wal'),
    await walFiles(source.dataFolder),
  );
  const after = await stat(join(source.dataFolder, CONTROL));
  return before.mtimeMs === after.mtimeMs && (await portOf(source.dataFolder)) === undefined;
}

/** `undefined`: no server runs on it. */
async function portOf(dataFolder: string): Promise<number | undefined> {
  const lines = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8')
    .then((text) => text.split('\n'))
    .catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
  const pid = Number(lines?.[0]);
  if (lines === undefined || !Number.isInteger(pid) || !isAlive(pid)) return undefined;
  const port = Number(lines[3]);
  if (!Number.isInteger(port)) throw new Error('The server is starting.');
  return port;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}

/**
 * PostgreSQL's low-level backup: between start and stop the files may be copied as they change, and the log of that time
 * makes them whole. A slot of this session keeps the log from being recycled. The moment of the copy is its end.
 */
async function copyRunning(
  source: DatabaseFolder & { readonly port: number },
  target: string,
): Promise<void> {
  const { port, password, dataFolder } = source;
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await refuseTablespaces(client);
    await client.query(
      "SET statement_timeout = 0; SET idle_session_timeout = 0; SET client_encoding = 'UTF8'",
    );
    await client.query(
      "SELECT pg_create_physical_replication_slot('fsa_copy_' || pg_backend_pid(), true, true)",
    );
    const { first } = await only<{ first: string }>(
      client,
      "SELECT pg_walfile_name(pg_backup_start('fullstackagent', true)) AS first",
    );
    await copyFiles(dataFolder, target);
    const { last, label } = await only<{ last: string; label: string }>(
      client,
      'SELECT pg_walfile_name(lsn) AS last, labelfile AS label FROM pg_backup_stop(false)',
    );
    const wal = (await walFiles(dataFolder)).filter(
      (name) => !SEGMENT.test(name) || (name >= first && name <= last),
    );
    await copyInto(join(dataFolder, 'pg_wal'), join(target, 'pg_wal'), wal);
    await writeAs(join(target, 'backup_label'), label, target);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function refuseTablespaces(client: Client): Promise<void> {
  const { others } = await only<{ others: number }>(
    client,
    "SELECT count(*)::int AS others FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')",
  );
  if (others > 0)
    throw new PostgresError(
      'BACKUP_FAILED',
      'This database has tablespaces outside of its folder, which a backup cannot hold.',
    );
}

async function only<T extends object>(client: Client, statement: string): Promise<T> {
  const [row] = (await client.query<T>(statement)).rows;
  if (row === undefined) throw new Error('PostgreSQL answered nothing.');
  return row;
}

/** All but the log. The control file comes last, as the documentation of PostgreSQL asks for. */
async function copyFiles(dataFolder: string, target: string): Promise<void> {
  await mkdir(target, { mode: 0o700 });
  await giveTo(target, dataFolder);
  const entries = await readdir(dataFolder);
  await copyInto(
    dataFolder,
    target,
    entries.filter((name) => !EMPTY.has(name) && !LEFT_OUT.has(name)),
  );
  for (const name of entries.filter((entry) => EMPTY.has(entry))) {
    await mkdir(join(target, name), { mode: 0o700 });
    await giveTo(join(target, name), dataFolder);
  }
  for (const name of ['archive_status', 'summaries']) {
    await mkdir(join(target, 'pg_wal', name), { mode: 0o700 });
    await giveTo(join(target, 'pg_wal', name), dataFolder);
  }
  await writeAs(join(target, CONTROL), await steady(join(dataFolder, CONTROL)), target);
}

/** Read until two readings agree: the server writes it in place. */
async function steady(file: string): Promise<Buffer> {
  for (let before = await readFile(file); ;) {
    const now = await readFile(file);
    if (now.equals(before)) return now;
    before = now;
  }
}

async function walFiles(dataFolder: string): Promise<readonly string[]> {
  const names = await readdir(join(dataFolder, 'pg_wal'));
  return names.filter((name) => SEGMENT.test(name) || name.endsWith('.history'));
}

/** A file that goes away meanwhile is one that the log takes away too. Every other complaint is a failure. */
async function copyInto(from: string, to: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const flags = process.platform === 'linux' ? ['-a', '--reflink=auto'] : ['-a'];
  try {
    await run('cp', [...flags, '--', ...names, to], {
      cwd: from,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const others = said.split('\n').filter((line) => !/No such file or directory$/.test(line));
    if (said !== '' && others.length === 0) return;
    if (/No space left on device/.test(said))
      throw new PostgresError('BACKUP_FAILED', 'There is no space left for a copy of the database.', error);
    throw error;
  }
}

async function writeAs(path: string, content: string | Buffer, like: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await giveTo(path, like);
}

/** As root, what is PostgreSQL's belongs to another user. */
async function giveTo(path: string, like: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(like);
  await chown(path, uid, gid);
}

const reason = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n').at(-1) ?? '') : 'its server starts and stops.';
