import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, syncFolder, syncTree } from '../files/durable.js';
import type { PostgresBinaries } from './binaries.js';
import { launchAs, postgresEnvironment, type Identity } from './identity.js';
import { templateSettings } from './settings.js';
import { PostgresError } from './types.js';

const run = promisify(execFile);

export interface Template {
  /** An initialised, never started cluster. Copy it, never run it. */
  readonly dataFolder: string;
  /** Password of the role `postgres` in it. */
  readonly password: string;
}

export interface TemplateOptions {
  /** Holds `template-<key>/{data,password}`. */
  readonly root: string;
  readonly binaries: PostgresBinaries;
  readonly identity: Identity;
}

/** Bump when settings or initdb's arguments change: new instances come from a new template, old ones stay. */
const TEMPLATE_KEY = 'pg18-2';

/** initdb takes half a second and copying what it made 50 ms, so it runs once. */
export async function prepareTemplate(options: TemplateOptions): Promise<Template> {
  const folder = join(options.root, `template-${TEMPLATE_KEY}`);
  const template = await readTemplate(folder);
  if (template !== undefined) return template;
  await removeUnfinished(options.root);
  const building = join(options.root, `template-building-${randomBytes(6).toString('hex')}`);
  try {
    await build(building, options);
    await syncTree(building);
    await rename(building, folder);
    await syncFolder(options.root);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  const made = await readTemplate(folder);
  if (made === undefined)
    throw new PostgresError('INIT_FAILED', `The database template ${folder} cannot be read.`);
  return made;
}

async function readTemplate(folder: string): Promise<Template | undefined> {
  try {
    const password = await readFile(join(folder, 'password'), 'utf8');
    return { dataFolder: join(folder, 'data'), password };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function removeUnfinished(root: string): Promise<void> {
  const left = (await readdir(root)).filter((name) => name.startsWith('template-building-'));
  await Promise.all(left.map((name) => rm(join(root, name), { recursive: true, force: true })));
}

async function build(folder: string, options: TemplateOptions): Promise<void> {
  const { identity } = options;
  const password = randomBytes(24).toString('hex');
  const passwordFile = join(folder, 'password');
  const dataFolder = join(folder, 'data');
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity.kind !== 'same') {
    await Promise.all(
      [folder, dataFolder, passwordFile].map((path) => chown(path, identity.uid, identity.gid)),
    );
  }
  await initdb(options, { dataFolder, passwordFile });
  // From here on the password is read by this process alone.
  if (identity.kind !== 'same') await Promise.all([folder, passwordFile].map((path) => chown(path, 0, 0)));
}

async function initdb(
  options: TemplateOptions,
  place: { dataFolder: string; passwordFile: string },
): Promise<void> {
  const settings = Object.entries(templateSettings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const command = [
    options.binaries.initdb,
    ...['--pgdata', place.dataFolder, '--username', 'postgres', '--pwfile', place.passwordFile],
    // PostgreSQL's own C.UTF-8: the same order on every machine, whatever locales it has.
    ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ...[
      '--auth',
      'scram-sha-256',
      '--data-checksums',
      '--wal-segsize',
      '4',
      '--no-sync',
      '--no-instructions',
    ],
    ...settings,
  ] as const;
  try {
    await initdbAs(options.identity, [...command]);
  } catch (error) {
    throw new PostgresError('INIT_FAILED', `PostgreSQL cannot make its template: ${reason(error)}`, error);
  }
}

async function initdbAs(identity: Identity, command: readonly [string, ...string[]]): Promise<void> {
  const environment = { cwd: '/', env: postgresEnvironment };
  const launch = launchAs(identity, command);
  try {
    await run(launch.file, [...launch.args], { ...launch.options, ...environment });
  } catch (error) {
    if (!/could not look up effective user ID/.test(stderrOf(error))) throw error;
    // A user without an entry in /etc/passwd (`docker run --user 12345`): initdb alone minds. In a user namespace
    // where this user is called 65534 it finds `nobody`, and the files belong to this user all the same.
    await run('unshare', ['--user', '--map-user=65534', '--', ...command], environment);
  }
}

function stderrOf(error: unknown): string {
  return error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
}

function reason(error: unknown): string {
  const lines = stderrOf(error).trim().split('\n');
  return lines.at(-1) || (error instanceof Error ? error.message : String(error));
}
