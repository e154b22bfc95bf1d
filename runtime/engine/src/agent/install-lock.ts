import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../files/durable.js';
import { startMark, stillRuns, type Marked } from '../platform/process-identity.js';

const holder = z.object({ pid: z.int(), mark: z.string() });
/** Of a lock that is not in its place yet. */
const UNPLACED = /^\.lock\.([0-9a-f]{12})$/;

/**
 * `npm run tools` and the engine may install at the same time: one of them does. Gone with the process that has it.
 *
 * It is a folder with one file, which says who has it. A folder is put in the place of another one only where that is
 * empty (rename(2)), so one of many takes it. A file has a name that no other ever has, so whoever takes away that of a
 * dead process never takes away that of the next. The lock of the home folder is a socket (platform/lock.ts), which
 * sandboxes could connect to here, and whose path may not be as long as this one.
 */
export class InstallLock {
  private constructor(
    private readonly place: string,
    private readonly name: string,
  ) {}

  /** undefined: somebody else has it. */
  static async take(folder: string): Promise<InstallLock | undefined> {
    const place = join(folder, '.lock');
    const name = randomBytes(6).toString('hex');
    const mark = (await startMark(process.pid)) ?? '';
    // Written first and moved then: whoever finds it finds all of it.
    const own = `${place}.${name}`;
    await mkdir(own);
    try {
      await writeFile(join(own, name), JSON.stringify({ pid: process.pid, mark }));
      while (!(await moved(own, place))) if (!(await cleared(place))) return undefined;
      return new InstallLock(place, name);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }

  /**
   * Takes away what those left who were killed before their lock was in its place. One that does not say yet whose it
   * is stays: its process may be writing it.
   */
  async clearUnplaced(): Promise<void> {
    const folder = dirname(this.place);
    for (const found of await readdir(folder).catch(orIfMissing([]))) {
      const name = UNPLACED.exec(found)?.[1];
      if (name === undefined) continue;
      const by = await holderIn(join(folder, found, name));
      if (by !== undefined && !(await stillRuns(by)))
        await rm(join(folder, found), { recursive: true, force: true });
    }
  }

  /** `last` is done while it is still held. */
  async release(last: () => Promise<void>): Promise<void> {
    try {
      await last();
    } finally {
      await rm(join(this.place, this.name), { force: true });
      await rmdir(this.place).catch((error: unknown) => {
        // The next one has it already, or has taken it away.
        if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
      });
    }
  }
}

/** false: somebody is in it. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    // ENOENT is none of these: the folder of both is gone, and no second try would find it.
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

/** Of those who are dead; false: somebody who is alive has it. */
async function cleared(place: string): Promise<boolean> {
  for (const name of await readdir(place).catch(orIfMissing([]))) {
    const file = join(place, name);
    const by = await holderIn(file);
    if (by !== undefined && (await stillRuns(by))) return false;
    await rm(file, { force: true });
  }
  return true;
}

/** undefined: it is gone, or does not say. Throws where it cannot be read: somebody may well have it. */
async function holderIn(file: string): Promise<Marked | undefined> {
  const text = await readFile(file, 'utf8').catch(orIfMissing(''));
  try {
    return holder.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** This where there is no such thing; any other error is thrown. */
const orIfMissing =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (isErrno(error, 'ENOENT')) return otherwise;
    throw error;
  };
