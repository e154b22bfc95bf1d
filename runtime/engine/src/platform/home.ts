import { access, chmod, constants, mkdir, readFile, readdir } from 'node:fs/promises';
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

function layout(root: string): Home {
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
    // As root, PostgreSQL runs as another user and has to pass through; what is inside is closed file by file.
    await chmod(root, asRoot() ? 0o711 : 0o700);
    await mkdir(home.postgres, { recursive: true, mode: 0o711 });
    await mkdir(home.engine, { recursive: true, mode: 0o711 });
    await mkdir(home.logs, { recursive: true, mode: 0o700 });
    await mkdir(join(root, 'keys'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw readable(error, root);
  }
  return home;
}

function asRoot(): boolean {
  return process.getuid?.() === 0;
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
