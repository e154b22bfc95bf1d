import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { isErrno, removeFolder, syncFolder, syncTree, writeFileDurably } from '../../files/durable.js';
import { unprivilegedUser } from '../../postgres/index.js';
import { checkHome, layout, openHome } from '../home.js';
import { StartProblem } from '../problem.js';
import { ABOUT, ARCHIVE_VERSION } from './archive.js';

const run = promisify(execFile);

export interface RestoreOptions {
  readonly home: string;
  readonly archive: string;
  readonly say: (line: string) => void;
}

const about = z.object({ version: z.int().min(1), createdAt: z.string() });

/** Makes a home folder of an archive. There must be none, or an empty one: nothing is ever written over. */
export async function restore({ home, archive, say }: RestoreOptions): Promise<void> {
  await access(archive).catch((error: unknown) => {
    throw new StartProblem(`The archive ${archive} cannot be read.`, error);
  });
  await demandEmpty(home);
  await mkdir(dirname(home), { recursive: true });
  const half = `${home}.${randomBytes(6).toString('hex')}.restoring`;
  try {
    await mkdir(half, { mode: 0o700 });
    await unpack(archive, half);
    const { createdAt } = await readAbout(half, archive);
    await rm(join(half, ABOUT));
    await ownDatabases(half);
    await anotherEngine(half);
    await syncTree(half);
    await removeEmpty(home);
    await rename(half, home);
    await syncFolder(dirname(home));
    // Modes as a start wants them.
    await openHome(home);
    say(`Restored ${home} as it was at ${createdAt}. Start it with npm start.`);
  } catch (error) {
    await removeFolder(half);
    throw error;
  }
}

async function demandEmpty(home: string): Promise<void> {
  const names = await readdir(home).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw new StartProblem(`${home} is not a folder.`, error);
  });
  if (names.length > 0)
    throw new StartProblem(
      `${home} is not empty, and nothing is written over: set FULLSTACK_AGENT_HOME to another folder, or run npm run reset first.`,
    );
}

async function removeEmpty(home: string): Promise<void> {
  await rmdir(home).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error;
  });
}

/** The program refuses names that lead out of the folder. Owners are kept where that can be done: as root. */
async function unpack(archive: string, folder: string): Promise<void> {
  const flags = ['-x', '-z', '-p', '--numeric-owner', '-f', archive, '-C', folder];
  try {
    await run('tar', flags, { maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      throw new StartProblem('There is no tar on the PATH: install it first.', error);
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const [first = 'tar failed.'] = said.split('\n');
    throw new StartProblem(`${archive} cannot be unpacked: ${first}`, error);
  }
}

async function readAbout(folder: string, archive: string): Promise<z.infer<typeof about>> {
  const text = await readFile(join(folder, ABOUT), 'utf8').catch(() => '');
  const parsed = about.safeParse(parse(text));
  if (!parsed.success) throw new StartProblem(`${archive} is not a backup of FullstackAgent.`);
  if (parsed.data.version > ARCHIVE_VERSION)
    throw new StartProblem(`${archive} was made by a newer FullstackAgent: update this one.`);
  await checkHome(folder);
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As root databases run as another user, who need not have the same number everywhere. */
async function ownDatabases(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await unprivilegedUser();
  const { postgres, engine } = layout(folder);
  for (const root of [postgres, join(engine, 'postgres')]) {
    const instances = join(root, 'instances');
    const ids = await readdir(instances).catch(() => []);
    for (const id of ids)
      await run('chown', ['-R', '-h', '-P', `${uid}:${gid}`, join(instances, id, 'data')]);
    // The way to it: what unpacked it made closed folders of those that the archive does not name.
    for (const path of ids.length === 0 ? [] : [root, instances, ...ids.map((id) => join(instances, id))])
      await run('chmod', ['711', path]);
  }
}

const engineState = z.looseObject({ engineId: z.string() });

/**
 * An engine ends at its start what carries its id. Beside the installation that the archive was made of, the restored
 * one has to be another, or it would end the other's sandboxes.
 */
async function anotherEngine(folder: string): Promise<void> {
  const file = join(layout(folder).engine, 'state.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const state = engineState.parse(JSON.parse(text));
  await writeFileDurably(
    file,
    `${JSON.stringify({ ...state, engineId: randomUUID() }, undefined, 1)}\n`,
    0o600,
  );
}
