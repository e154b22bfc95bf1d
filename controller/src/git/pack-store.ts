import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk, type Disk } from './disk.js';
import { writeNewFile } from './durable.js';
import type { GitObject } from './object.js';
import { buildPack } from './pack.js';

/**
 * Distinct from git's own `tmp_pack_…`, so that only what this program left behind is cleared away. Without the endings of
 * packs: a git that looks meanwhile would take a half-written index for a broken one.
 */
const TEMPORARY = 'tmp_fullstackagent_';
const READ_ONLY = 0o444;

/**
 * Writes the objects as one pack. When this answers they are durable and every git process can read them.
 * The index comes last: a pack without an index does not exist for git.
 */
export async function writePack(
  gitDir: string,
  objects: Iterable<GitObject>,
  disk: Disk = realDisk,
): Promise<void> {
  const { name, pack, index } = buildPack(objects);
  const directory = packDirectory(gitDir);
  const temporary = join(directory, `${TEMPORARY}${randomBytes(8).toString('hex')}`);
  const final = join(directory, `pack-${name}`);
  try {
    await Promise.all([
      writeNewFile(disk, { path: `${temporary}-pack`, bytes: pack, mode: READ_ONLY }),
      writeNewFile(disk, { path: `${temporary}-idx`, bytes: index, mode: READ_ONLY }),
    ]);
    await disk.rename(`${temporary}-pack`, `${final}.pack`);
    await disk.rename(`${temporary}-idx`, `${final}.idx`);
    await disk.syncDirectory(directory);
  } catch (error) {
    await Promise.all(['-pack', '-idx'].map((suffix) => disk.remove(temporary + suffix)));
    throw error;
  }
}

/** What a killed writer left half-written. Only under the repository's lock: another writer's files look the same. */
export async function removeLeftovers(gitDir: string, disk: Disk = realDisk): Promise<void> {
  const directory = packDirectory(gitDir);
  const names = await readdir(directory);
  await Promise.all(
    names.filter((name) => name.startsWith(TEMPORARY)).map((name) => disk.remove(join(directory, name))),
  );
}

export async function packCount(gitDir: string): Promise<number> {
  return (await readdir(packDirectory(gitDir))).filter((name) => name.endsWith('.pack')).length;
}

export const packDirectory = (gitDir: string): string => join(gitDir, 'objects', 'pack');
