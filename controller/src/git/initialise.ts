import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, storageFailure } from './failures.js';
import { gitBytes, type GitLocation } from './git-process.js';

/**
 * Set anew at every start, so that an older repository gets what a newer version wants.
 * A push (by a person, past the portal) can only go forward on `main`, and never touch what is rendered.
 */
const SETTINGS: readonly (readonly [key: string, value: string])[] = [
  // Packs are put together in the background by this program; an automatic gc would delete what is not referenced yet.
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // The branches are the journal. A second one would only be there for the commits that went through stock git.
  ['core.logAllRefUpdates', 'false'],
  ['receive.denyNonFastForwards', 'true'],
  ['receive.denyDeletes', 'true'],
  ['receive.hideRefs', 'refs/heads/rendered'],
  ['receive.fsckObjects', 'true'],
  ['receive.autogc', 'false'],
  ['core.fsync', 'all'],
];

/** Makes the bare repository if it is not there yet, and sets what it needs. */
export async function initialiseRepository(location: GitLocation): Promise<void> {
  const { gitDir } = location;
  try {
    await mkdir(gitDir, { recursive: true });
    if (!(await isRepository(gitDir)))
      await gitBytes(location, ['init', '--bare', '-b', 'main', '--template=']);
    await mkdir(join(gitDir, 'objects', 'pack'), { recursive: true });
    await mkdir(join(gitDir, 'refs', 'heads'), { recursive: true });
    for (const [key, value] of SETTINGS) await gitBytes(location, ['config', '--replace-all', key, value]);
  } catch (error) {
    throw storageFailure(`The repository ${gitDir} cannot be opened.`, error);
  }
}

async function isRepository(gitDir: string): Promise<boolean> {
  try {
    await stat(join(gitDir, 'HEAD'));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
