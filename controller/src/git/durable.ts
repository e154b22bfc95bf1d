import { dirname } from 'node:path';
import type { Disk } from './disk.js';
import { alreadyExists, isForbidden, isMissing } from './failures.js';

export interface FileToWrite {
  readonly path: string;
  readonly bytes: Buffer | string;
  readonly mode?: number;
}

/**
 * Writes a new file and waits until its bytes are on the disk (its name is not, until the directory is synced).
 * Fails with EEXIST where it is there already; a file that could not be written whole is taken away again.
 */
export async function writeNewFile(disk: Disk, { path, bytes, mode = 0o644 }: FileToWrite): Promise<void> {
  const file = await disk.create(path, mode);
  try {
    await file.write(Buffer.from(bytes));
    await file.sync();
  } catch (error) {
    await disk.remove(path);
    throw error;
  } finally {
    await file.close();
  }
}

/** The old content or the new one, whatever happens in between. Only under the repository's lock. */
export async function replaceFile(disk: Disk, { path, bytes }: FileToWrite): Promise<void> {
  const temporary = `${path}.fullstackagent-new`;
  await disk.remove(temporary);
  await writeNewFile(disk, { path: temporary, bytes });
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
}

/**
 * A folder and those above it that are missing. What is there is synced too: whoever made it may have been killed
 * before it was sure, and everything that is written into it hangs on its name.
 */
export async function makeDirectories(disk: Disk, path: string): Promise<void> {
  try {
    await disk.makeDirectory(path);
  } catch (error) {
    if (isMissing(error)) {
      await makeDirectories(disk, dirname(path));
      await makeDirectories(disk, path);
      return;
    }
    if (!alreadyExists(error)) throw error;
    await disk.syncDirectory(dirname(path)).catch(unlessForbidden);
    return;
  }
  await disk.syncDirectory(dirname(path));
}

/** A folder that may be used and not read belongs to somebody who made what is in it. */
function unlessForbidden(error: unknown): void {
  if (!isForbidden(error)) throw error;
}
