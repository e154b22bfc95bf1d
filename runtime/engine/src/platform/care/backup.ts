import { createWriteStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, constants } from 'node:zlib';
import { isErrno, syncFolder } from '../../files/durable.js';
import { copyDatabase, PostgresError } from '../../postgres/index.js';
import { checkHome, type Home } from '../home.js';
import { startMark } from '../process-identity.js';
import { holderOf, takeLock, type Lock } from '../lock.js';
import { StartProblem } from '../problem.js';
import { ABOUT, ARCHIVE_VERSION } from './archive.js';
import { portalDatabase, sandboxDatabases, type HomeDatabase } from './databases.js';
import { copyRepository } from './git-copy.js';
import { endOfArchive, textEntry, treeEntries, type TarStream } from './tar.js';

export interface BackupOptions {
  readonly home: string;
  /** The archive that is made; nothing may be there yet. */
  readonly archive: string;
  readonly now: () => Date;
  readonly say: (line: string) => void;
}

/** Files and folders of the engine that are taken as they are. What is not named can be made again. */
const OF_THE_ENGINE = ['state.json', 'sealing', 'applied', 'snapshots', 'backups', 'volumes'];
const OF_THE_PLATFORM = ['version', 'ports.json', 'platform.yaml', 'keys'];
const LOCK_PATIENCE_MS = 1000;

/**
 * One archive of a home folder that anybody's tar unpacks, made while the platform runs or while it does not. Throws
 * {@link StartProblem}; then there is no archive.
 *
 * Each database and the repository are as they were at one moment. The order between them is such that nothing names
 * what is not there: accounts, then the documents, then what the documents brought about. Workspaces are read as they
 * are: a file that is being written may be there in half, as after a power cut.
 */
export async function backUp(options: BackupOptions): Promise<void> {
  const home = await checkHome(options.home);
  if (await exists(options.archive)) throw new StartProblem(`${options.archive} is there already.`);
  const lock = await lockUnlessRunning(home);
  await removeCutOff(home.root);
  const staging = join(home.root, `backup-${process.pid}.tmp`);
  const half = `${options.archive}.part`;
  try {
    await mkdir(staging, { mode: 0o700 });
    await writeArchive(half, entries({ ...options, home, staging }));
    await rename(half, options.archive);
    await syncFolder(dirname(options.archive));
  } catch (error) {
    await rm(half, { force: true });
    throw readable(error, options.archive);
  } finally {
    await rm(staging, { recursive: true, force: true });
    await lock?.release();
  }
  const { size } = await stat(options.archive);
  options.say(`Wrote ${options.archive} (${(size / 1024 ** 2).toFixed(1)} MiB), readable by you alone.`);
  options.say('It holds the keys of this installation and all workspaces: keep it as you keep a password.');
}

/** While nothing runs nothing shall start; what runs goes on. */
async function lockUnlessRunning(home: Home): Promise<Lock | undefined> {
  if ((await holderOf(home.root)) !== undefined) return undefined;
  const lock = await takeLock(home.root, LOCK_PATIENCE_MS);
  lock.announce({ state: 'ready', url: 'a backup is being made' });
  return lock;
}

/** What backups left that were killed. */
async function removeCutOff(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = /^backup-(\d+)\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && (await startMark(Number(pid))) === undefined)
      await rm(join(root, name), { recursive: true, force: true });
  }
}

interface Work extends Omit<BackupOptions, 'home'> {
  readonly home: Home;
  readonly staging: string;
}

async function* entries(work: Work): TarStream {
  const { home, say, now } = work;
  const about = { version: ARCHIVE_VERSION, createdAt: now().toISOString() };
  yield* textEntry(ABOUT, `${JSON.stringify(about)}\n`);
  say('Accounts …');
  const accounts = await portalDatabase(home);
  if (accounts.length === 0)
    say('Accounts are not in this folder: back up the server that DATABASE_URL names too.');
  for (const database of accounts) yield* databaseEntries(work, database);
  for (const name of OF_THE_PLATFORM) yield* treeEntries(join(home.root, name), name);
  if (await exists(join(home.repository, 'HEAD'))) yield* repositoryEntries(work);
  say('Workspaces …');
  for (const name of OF_THE_ENGINE) yield* treeEntries(join(home.engine, name), `engine/${name}`);
  for (const database of await sandboxDatabases(home)) yield* databaseEntries(work, database);
  yield endOfArchive();
}

async function* repositoryEntries({ home, staging, say }: Work): TarStream {
  say('Repository …');
  const copy = join(staging, 'gitops.git');
  await copyRepository(home.repository, copy);
  yield* treeEntries(copy, 'gitops.git');
  await rm(copy, { recursive: true, force: true });
}

/** One copy at a time, so that no more room is needed than for the largest. */
async function* databaseEntries({ home, staging, say }: Work, { path, password }: HomeDatabase): TarStream {
  say(`Database ${path.split('/').at(-2) ?? ''} …`);
  const copy = join(staging, 'data');
  await copyDatabase({ dataFolder: join(home.root, path), password }, copy);
  yield* treeEntries(copy, path);
  await rm(copy, { recursive: true, force: true });
}

async function writeArchive(path: string, content: TarStream): Promise<void> {
  // Speed over size: most of it is what does not shrink any more.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  await pipeline(Readable.from(content), gzip, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function readable(error: unknown, archive: string): unknown {
  if (error instanceof PostgresError) return new StartProblem(error.message, error);
  if (isErrno(error, 'EEXIST'))
    return new StartProblem(`${archive}.part is there: another backup is being made, or one was cut off.`);
  if (isErrno(error, 'ENOSPC')) return new StartProblem('There is no space left for the backup.', error);
  if (isErrno(error, 'ENOENT', 'EACCES', 'EROFS'))
    return new StartProblem(`The backup cannot be written: ${(error as Error).message}`, error);
  return error;
}
