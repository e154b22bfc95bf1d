import { execFile } from 'node:child_process';
import { copyFile, link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../../files/durable.js';
import { gitEnvironment } from '../../follow/git-environment.js';
import { StartProblem } from '../problem.js';

const run = promisify(execFile);
const RENDERED = 'refs/heads/rendered';
/** Packs are put together now and then; not this often. */
const PATIENCE = 20;

/**
 * A copy of the repository as it was at one moment, made while it is written to. `target` must be on the same file
 * system: objects never change, so they are linked. The order is what makes it whole:
 * 1. Branch `rendered`, then all others: what is rendered names commits of `main`, never the other way round.
 * 2. Objects on their own, then packs: an object that is put into a pack meanwhile is found there. Where a pack is gone,
 *    the one that replaced it was there before, so looking again finds it.
 */
export async function copyRepository(source: string, target: string): Promise<void> {
  await mkdir(join(target, 'objects', 'pack'), { recursive: true, mode: 0o700 });
  await mkdir(join(target, 'refs', 'heads'), { recursive: true, mode: 0o700 });
  const refs = await allRefs(source);
  await copyLooseObjects(source, target);
  await copyPacks(source, target);
  for (const name of await settingsOf(source)) {
    await mkdir(dirname(join(target, name)), { recursive: true, mode: 0o700 });
    await copyFile(join(source, name), join(target, name)).catch(unlessMissing);
  }
  const lines = refs.map(({ name, id }) => `${id} ${name}\n`);
  await writeFile(join(target, 'packed-refs'), lines.join(''), { mode: 0o600 });
  await check(target);
}

interface Ref {
  readonly name: string;
  readonly id: string;
}

async function allRefs(repository: string): Promise<readonly Ref[]> {
  const before = await refsBelow(repository, RENDERED);
  const others = await refsBelow(repository, '');
  return [...before, ...others.filter(({ name }) => name !== RENDERED)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

async function refsBelow(repository: string, pattern: string): Promise<readonly Ref[]> {
  const format = '--format=%(objectname) %(refname)';
  const args = ['for-each-ref', format, ...(pattern === '' ? [] : [pattern])];
  const text = await git(repository, args);
  return text.split('\n').flatMap((line) => {
    const [id, name] = line.split(' ');
    return id === undefined || name === undefined ? [] : [{ id, name }];
  });
}

async function copyLooseObjects(source: string, target: string): Promise<void> {
  const folders = (await readdir(join(source, 'objects'))).filter((name) => /^[0-9a-f]{2}$/.test(name));
  for (const folder of folders) {
    await mkdir(join(target, 'objects', folder), { mode: 0o700 });
    // A folder goes when all of it was put into a pack.
    const found = await readdir(join(source, 'objects', folder)).catch(unlessMissing);
    const names = found.filter((name) => /^[0-9a-f]+$/.test(name));
    for (const name of names) await linkIfThere(source, target, join('objects', folder, name));
  }
}

function unlessMissing(error: unknown): string[] {
  if (isErrno(error, 'ENOENT')) return [];
  throw error;
}

async function copyPacks(source: string, target: string): Promise<void> {
  for (let round = 0; round < PATIENCE; round += 1) {
    const names = (await readdir(join(source, 'objects', 'pack'))).filter((name) => name.startsWith('pack-'));
    const linked = await Promise.all(
      names.map((name) => linkIfThere(source, target, join('objects', 'pack', name))),
    );
    if (linked.every(Boolean)) return;
  }
  throw new StartProblem('The packs of the repository change all the time: make the backup later.');
}

async function linkIfThere(source: string, target: string, path: string): Promise<boolean> {
  try {
    await link(join(source, path), join(target, path));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return true;
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** What git writes beside a file and then gives its name. In a copy, a `packed-refs.new` would keep git from making one. */
const HALF_WRITTEN = /(\.lock|\.tmp|\.new)$|^(info\/refs_\w+|gc\.pid)$/;

/** Everything else of the repository: small files that are not written while it is served. */
async function settingsOf(repository: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(repository, { withFileTypes: true })) {
    if (['objects', 'refs', 'packed-refs'].includes(entry.name)) continue;
    if (entry.isFile()) names.push(entry.name);
    else if (entry.isDirectory()) names.push(...(await filesBelow(repository, entry.name)));
  }
  return names.filter((name) => !HALF_WRITTEN.test(name));
}

async function filesBelow(repository: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(repository, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1));
}

/** That every commit, tree and file that a branch leads to is there. */
async function check(repository: string): Promise<void> {
  if ((await readFile(join(repository, 'packed-refs'), 'utf8')) === '') return;
  try {
    await git(repository, ['fsck', '--connectivity-only', '--no-dangling', '--no-progress']);
  } catch (error) {
    throw new StartProblem('The copy of the repository is not complete: nothing was written.', error);
  }
}

async function git(repository: string, args: readonly string[]): Promise<string> {
  const options = { env: gitEnvironment(), cwd: '/', maxBuffer: 256 * 1024 * 1024 };
  return (await run('git', [`--git-dir=${repository}`, ...args], options)).stdout;
}
