import { access, chmod, constants, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, writeFileDurably } from '../files/durable.js';
import { StartProblem } from './problem.js';

/** Layout of the home folder. A newer one is refused by an older program. */
const VERSION = 1;

export interface Home {
  readonly root: string;
  readonly logs: string;
  readonly tokenKey: string;
  readonly databasePassword: string;
  readonly ports: string;
  readonly children: string;
  readonly postgres: string;
  readonly engine: string;
  readonly repository: string;
  readonly seed: string;
}

/** Where things are; whether they are there is another question. */
export function layout(root: string): Home {
  return {
    root,
    logs: join(root, 'logs'),
    tokenKey: join(root, 'keys', 'controller-token'),
    databasePassword: join(root, 'keys', 'portal-database-password'),
    ports: join(root, 'ports.json'),
    children: join(root, 'children.json'),
    postgres: join(root, 'postgres'),
    engine: join(root, 'engine'),
    repository: join(root, 'gitops.git'),
    seed: join(root, 'platform.yaml'),
  };
}

/** Makes the folder what it has to be, or says in one line why not. */
export async function openHome(root: string): Promise<Home> {
  const home = layout(root);
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    const version = await readVersion(root);
    if (version === undefined) await claim(root);
    else if (version > VERSION) {
      throw new StartProblem(
        `${root} was written by a newer FullstackAgent: update this one, or use another folder.`,
      );
    }
    for (const folder of [root, home.postgres, home.engine]) await ensureFolder(folder, passage());
    // The repository too, before the controller makes it: on its own, git lets everybody read.
    const closed = [home.logs, join(root, 'keys'), home.repository];
    for (const folder of closed) await ensureFolder(folder, 0o700);
  } catch (error) {
    throw readable(error, root);
  }
  return home;
}

/** Throws {@link StartProblem} where this is not a home folder that this program knows. */
export async function checkHome(root: string): Promise<Home> {
  const version = await readVersion(root).catch((error: unknown) => {
    throw readable(error, root);
  });
  if (version === undefined) throw new StartProblem(`${root} is not a home folder of FullstackAgent.`);
  if (version !== VERSION)
    throw new StartProblem(`${root} was written by another version of FullstackAgent: use that one.`);
  const owner = (await stat(root)).uid;
  if (owner !== process.getuid?.())
    throw new StartProblem(`${root} belongs to another user (uid ${owner}): run this as that user.`);
  return layout(root);
}

/** With this mode whatever the umask is, and whatever an earlier version made. */
async function ensureFolder(folder: string, mode: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  await chmod(folder, mode);
}

/**
 * Of the folders on the way to PostgreSQL's data. As root it runs as another user, who has to pass through (and no
 * more: nobody lists them, and what is beside the data is closed). Closing the way would not keep him out, it would
 * start him with the right to read every file of this machine (docs/adr/0007).
 */
function passage(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700;
}

async function readVersion(root: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(root, 'version'), 'utf8'), 10);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** An empty folder becomes ours. One that holds something else is more likely a mistake. */
async function claim(root: string): Promise<void> {
  const others = (await readdir(root)).filter((name) => !name.startsWith('version.'));
  if (others.length > 0) {
    throw new StartProblem(`${root} is not empty and was not made by FullstackAgent: choose another folder.`);
  }
  await writeFileDurably(join(root, 'version'), `${VERSION}\n`, 0o600);
}

function readable(error: unknown, root: string): StartProblem {
  if (error instanceof StartProblem) return error;
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new StartProblem(
      `The folder ${root} cannot be written: set FULLSTACK_AGENT_HOME to one that can.`,
      error,
    );
  }
  if (isErrno(error, 'ENOTDIR', 'EEXIST')) return new StartProblem(`${root} is not a folder.`, error);
  if (isErrno(error, 'ENOSPC')) return new StartProblem(`There is no space left for ${root}.`, error);
  const reason = error instanceof Error ? error.message : String(error);
  return new StartProblem(`The folder ${root} cannot be used: ${reason}`, error);
}
