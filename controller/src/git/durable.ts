import { open, rm } from 'node:fs/promises';

/**
 * Writes a new file and waits until its bytes are on the disk (its name is not, until the directory is synced).
 * Fails with EEXIST where it is there already; a file that could not be written whole is taken away again.
 */
export async function writeNewFile(path: string, bytes: Buffer | string, mode = 0o644): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** What was renamed into or out of `directory` is on the disk when this answers. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
