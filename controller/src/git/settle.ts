import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk, type Disk } from './disk.js';

const LOOSE_OBJECTS = /^[0-9a-f]{2}$/;

/**
 * Makes sure of the names that somebody else left: a stock git syncs what is in its files and not their names, and a
 * process of ours that was killed may have died between a name and its sync. Whoever builds on a commit of theirs
 * answers for it from then on.
 */
export async function settleNames(gitDir: string, disk: Disk = realDisk): Promise<void> {
  const objects = join(gitDir, 'objects');
  const folders = (await readdir(objects)).filter((name) => LOOSE_OBJECTS.test(name) || name === 'pack');
  await Promise.all(folders.map((name) => disk.syncDirectory(join(objects, name))));
  for (const folder of [objects, ...(await refFolders(gitDir)), gitDir]) await disk.syncDirectory(folder);
}

async function refFolders(gitDir: string): Promise<string[]> {
  const heads = join(gitDir, 'refs', 'heads');
  const entries = await readdir(heads, { recursive: true, withFileTypes: true });
  const inside = entries.filter((entry) => entry.isDirectory());
  return [...inside.map((entry) => join(entry.parentPath, entry.name)), heads];
}
