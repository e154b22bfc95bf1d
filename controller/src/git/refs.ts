import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../contract/errors.js';
import { syncDirectory, writeNewFile } from './durable.js';
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
export async function compareAndSwap(gitDir: string, { ref, expected, next }: Swap): Promise<SwapResult> {
  const path = join(gitDir, ref);
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true });
  await takeLock(lock, `${next}\n`);
  try {
    const actual = await readRef(gitDir, ref);
    if (actual !== expected) {
      await rm(lock);
      return { swapped: false, actual };
    }
    await rename(lock, path);
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return { swapped: true };
}

/**
 * Removes the locks that a killed process left. Only under the repository's lock, so that no other writer of ours is
 * alive; a stock git may be, but it holds a ref's lock for milliseconds. What is still the same file after `patienceMs`
 * belongs to nobody.
 */
export async function removeStaleLocks(gitDir: string, patienceMs: number): Promise<void> {
  const locks = await locksBelow(join(gitDir, 'refs', 'heads'));
  await Promise.all(locks.map((lock) => removeWhenStale(lock, patienceMs)));
}

async function removeWhenStale(lock: string, patienceMs: number): Promise<void> {
  const first = await stampOf(lock);
  if (first === undefined) return;
  await delay(patienceMs);
  if ((await stampOf(lock)) === first) await rm(lock, { force: true });
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

async function takeLock(lock: string, content: string): Promise<void> {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      await writeNewFile(lock, content);
      return;
    } catch (error) {
      if (!alreadyExists(error)) throw error;
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
