import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../contract/errors.js';
import { realDisk, type Disk } from './disk.js';
import { makeDirectories, writeNewFile } from './durable.js';
import { alreadyExists, isMissing } from './failures.js';

/** How long another program (a stock git) may hold a ref's lock before a write gives up. */
const LOCK_PATIENCE_MS = 5_000;
const LOCK_RETRY_MS = 20;
const OBJECT_ID = /^[0-9a-f]{40}$/;

export type SwapResult =
  { readonly swapped: true } | { readonly swapped: false; readonly actual: string | undefined };

export interface Swap {
  readonly ref: string;
  /** What the ref has to be for the swap to happen; undefined: it must not exist. */
  readonly expected: string | undefined;
  readonly next: string;
  /** Makes durable what `next` consists of. The ref moves only after that. */
  readonly objects?: () => Promise<void>;
}

/** What a ref points to: the loose file, or else `packed-refs`; undefined where there is no such ref. */
export async function readRef(gitDir: string, ref: string): Promise<string | undefined> {
  const loose = await readIfThere(join(gitDir, ref));
  if (loose !== undefined) return objectId(ref, loose.trim());
  const packed = await readIfThere(join(gitDir, 'packed-refs'));
  const line = packed?.split('\n').find((candidate) => candidate.endsWith(` ${ref}`));
  return line === undefined ? undefined : objectId(ref, line.slice(0, 40));
}

/**
 * Compare and swap by git's own protocol: whoever creates `<ref>.lock` may read, compare and rename over the ref, so
 * this and any stock git keep each other out. Durable when it answers `swapped`.
 */
export async function compareAndSwap(gitDir: string, swap: Swap, disk: Disk = realDisk): Promise<SwapResult> {
  const path = join(gitDir, swap.ref);
  const lock = `${path}.lock`;
  const actual = await lockBesideObjects(gitDir, { ...swap, lock }, disk);
  if (actual !== swap.expected) {
    await disk.remove(lock);
    return { swapped: false, actual };
  }
  try {
    await disk.rename(lock, path);
  } catch (error) {
    await disk.remove(lock);
    throw error;
  }
  try {
    await disk.syncDirectory(dirname(path));
  } catch (error) {
    throw await unsure(gitDir, swap, error);
  }
  return { swapped: true };
}

/**
 * What the ref is, once its lock is ours. The lock's file and what the new commit consists of go to the disk at the same
 * time; both are sure afterwards.
 */
async function lockBesideObjects(
  gitDir: string,
  { lock, ref, next, objects }: Swap & { readonly lock: string },
  disk: Disk,
): Promise<string | undefined> {
  const locked = takeLock(disk, lock, `${next}\n`);
  const read = locked.then(() => readRef(gitDir, ref));
  const [actual, stored] = await Promise.allSettled([read, objects?.()]);
  if (actual.status === 'fulfilled' && stored.status === 'fulfilled') return actual.value;
  // Somebody else's lock stays: what failed is that there was one.
  await locked.then(
    () => disk.remove(lock),
    () => undefined,
  );
  throw actual.status === 'rejected' ? actual.reason : (stored as PromiseRejectedResult).reason;
}

/**
 * The ref was renamed, and the disk did not confirm it. Every reader sees the new commit from now on, so "not stored"
 * would be a lie that makes people do it twice; a loss of power may still take it back, so "stored" would be one too.
 * Where the ref names something else again, it is plainly not stored.
 */
async function unsure(gitDir: string, { ref, next }: Swap, cause: unknown): Promise<unknown> {
  if ((await readRef(gitDir, ref)) !== next) return cause;
  return new AppError(
    'STORAGE_UNAVAILABLE',
    'The change is written, but the disk did not confirm that it will keep it. Look whether it is there before you try again.',
    { cause },
  );
}

/**
 * Removes the locks that a killed process left. Only under the repository's lock, so that no other writer of ours is
 * alive; a stock git may be, but it holds a ref's lock for milliseconds. What is still the same file after `patienceMs`
 * belongs to nobody.
 */
export async function removeStaleLocks(
  gitDir: string,
  patienceMs: number,
  disk: Disk = realDisk,
): Promise<void> {
  const locks = await locksBelow(join(gitDir, 'refs', 'heads'));
  await Promise.all(locks.map((lock) => removeWhenStale(disk, lock, patienceMs)));
}

async function removeWhenStale(disk: Disk, lock: string, patienceMs: number): Promise<void> {
  const first = await stampOf(lock);
  if (first === undefined) return;
  await delay(patienceMs);
  if ((await stampOf(lock)) === first) await disk.remove(lock);
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path);
    return `${ino} ${mtimeMs}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function locksBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.lock'))
    .map((entry) => join(entry.parentPath, entry.name));
}

async function takeLock(disk: Disk, lock: string, content: string): Promise<void> {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      await writeNewFile(disk, { path: lock, bytes: content });
      return;
    } catch (error) {
      if (isMissing(error)) await makeDirectories(disk, dirname(lock));
      else if (!alreadyExists(error)) throw error;
      if (Date.now() >= deadline)
        throw new AppError(
          'STORAGE_UNAVAILABLE',
          `Another program holds ${lock}. Remove it if none is running.`,
          {
            cause: error,
          },
        );
    }
    await delay(LOCK_RETRY_MS);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function objectId(ref: string, text: string): string {
  if (OBJECT_ID.test(text)) return text;
  throw new AppError('STORAGE_UNAVAILABLE', `${ref} holds no commit id: the repository is damaged.`);
}
