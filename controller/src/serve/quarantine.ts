import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What git calls the folder of a push that is not taken over yet. */
const QUARANTINE = /^tmp_objdir-incoming-/;
/** No push takes as long; a younger one may be under way, past this process. */
const OLD_MS = 60 * 60 * 1000;

/** Removes what pushes left that were killed before git could clear up. */
export async function removeOldQuarantines(gitDir: string, now: number): Promise<void> {
  const objects = join(gitDir, 'objects');
  const folders = (await readdir(objects)).filter((name) => QUARANTINE.test(name));
  for (const folder of folders.map((name) => join(objects, name))) {
    const { mtimeMs } = await stat(folder);
    if (now - mtimeMs > OLD_MS) await rm(folder, { recursive: true, force: true });
  }
}
