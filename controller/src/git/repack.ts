import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk, type Disk } from './disk.js';
import { storageFailure } from './failures.js';
import { gitBytes, type GitLocation } from './git-process.js';
import { packDirectory } from './pack-store.js';

interface PackFile {
  /** `pack-<hash>`, without a suffix. */
  readonly name: string;
  readonly bytes: number;
}

const PACK = /^(pack-[0-9a-f]{40})\.pack$/;
/** As git calls what is not whole yet; a fetch that runs has written to its own a moment ago. */
const TEMPORARY = /^tmp_(pack|idx|rev|mtimes|bitmap)_/;
const ABANDONED_MS = 24 * 60 * 60_000;
/** Somebody put a hand on it: a fetch under way, or a person. */
const KEEP = '.keep';
/** The index goes first: without it a pack is not there for a reader that comes now. */
const SUFFIXES = ['.idx', '.rev', '.bitmap', '.mtimes', '.pack'];

/**
 * Puts the small packs together into one, with deltas. What `git repack --geometric=2 -d` does, but the new pack's name
 * is sure before an old pack goes, and none goes whose objects were not asked for by name: a pack that a writer adds
 * meanwhile stays, referenced or not.
 */
export async function repack(location: GitLocation, disk: Disk = realDisk): Promise<void> {
  const directory = packDirectory(location.gitDir);
  const packs = await packsIn(directory);
  const small = packs.slice(0, rolledUp(packs.map(({ bytes }) => bytes)));
  if (small.length < 2) return;
  await demandRoom(
    directory,
    small.reduce((total, { bytes }) => total + bytes, 0),
  );
  await removeAbandoned(directory, disk);
  const large = packs.slice(small.length);
  const wanted = [...small.map(({ name }) => `${name}.pack`), ...large.map(({ name }) => `^${name}.pack`)];
  const output = await gitBytes(
    location,
    // One thread: nobody waits for this, and somebody may be waiting for the writer.
    [
      'pack-objects',
      '--stdin-packs',
      '--quiet',
      '--threads=1',
      '--delta-base-offset',
      join(directory, 'pack'),
    ],
    `${wanted.join('\n')}\n`,
  );
  // Nothing is written where the large packs hold everything already.
  const made = output.toString('latin1').trim();
  await disk.syncDirectory(directory);
  await Promise.all(
    small
      .filter(({ name }) => name !== `pack-${made}`)
      .map((pack) => removePack(disk, join(directory, pack.name))),
  );
}

/** Where there is none, git would write until the disk is full and leave what it wrote: there would be no room to commit. */
async function demandRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < 2 * bytes)
    throw storageFailure(
      'There is no room to put packs together.',
      Object.assign(new Error(`Up to ${bytes} bytes would be written.`), { code: 'ENOSPC' }),
    );
}

/** What git left that was killed, or ran out of space: it clears that away only in `git gc`, which nobody runs here. */
async function removeAbandoned(directory: string, disk: Disk): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(directory, name);
    const written = await stat(path).catch(() => undefined);
    if (written !== undefined && Date.now() - written.mtimeMs > ABANDONED_MS) await disk.remove(path);
  }
}

async function removePack(disk: Disk, path: string): Promise<void> {
  for (const suffix of SUFFIXES) await disk.remove(path + suffix);
}

/** Smallest first. */
async function packsIn(directory: string): Promise<PackFile[]> {
  const names = new Set(await readdir(directory));
  const packs = [...names].flatMap((file) => PACK.exec(file)?.[1] ?? []);
  const whole = packs.filter((name) => names.has(`${name}.idx`) && !names.has(`${name}${KEEP}`));
  const sized = whole.map(async (name) => ({
    name,
    bytes: (await stat(join(directory, `${name}.pack`))).size,
  }));
  return (await Promise.all(sized)).sort((a, b) => a.bytes - b.bytes);
}

/**
 * How many of the smallest to put together, so that afterwards each pack is at least twice as large as the one before:
 * there are never many, and what is old and large is seldom written again.
 */
export function rolledUp(sizes: readonly number[]): number {
  let count = sizes.length - 1;
  while (count > 0 && (sizes[count] ?? 0) >= 2 * (sizes[count - 1] ?? 0)) count -= 1;
  if (count <= 0) return 0;
  count += 1;
  let sum = sizes.slice(0, count).reduce((total, size) => total + size, 0);
  while (count < sizes.length && (sizes[count] ?? 0) < 2 * sum) sum += sizes[count++] ?? 0;
  return count;
}
