import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, storageFailure } from './failures.js';
import { gitBytes, type GitLocation } from './git-process.js';

/** Included from the repository's own `config`, which is the operator's. */
const SETTINGS_FILE = 'fullstackagent.config';
const INCLUDE = `[include]\n\tpath = ${SETTINGS_FILE}\n`;

/** Written anew at every start, so that an older repository gets what a newer version wants. */
const SETTINGS = `# Written by FullstackAgent at every start.
[gc]
\t# Packs are put together in the background; an automatic gc would delete what is not referenced yet.
\tauto = 0
[maintenance]
\tauto = false
[core]
\t# The branches are the journal. This one would only know the commits that went through stock git.
\tlogAllRefUpdates = false
\tfsync = all
[receive]
\t# A push past the portal can only go forward on main, and never touch what is rendered.
\tdenyNonFastForwards = true
\tdenyDeletes = true
\thideRefs = refs/heads/rendered
\tfsckObjects = true
\tautogc = false
`;

/** Makes the bare repository if it is not there yet, and sets what it needs. */
export async function initialiseRepository(location: GitLocation): Promise<void> {
  const { gitDir } = location;
  try {
    await mkdir(gitDir, { recursive: true });
    const config = join(gitDir, 'config');
    if ((await textOf(config)) === undefined || (await textOf(join(gitDir, 'HEAD'))) === undefined)
      await gitBytes(location, ['init', '--bare', '-b', 'main', '--template=']);
    await mkdir(join(gitDir, 'objects', 'pack'), { recursive: true });
    await mkdir(join(gitDir, 'refs', 'heads'), { recursive: true });
    const settings = join(gitDir, SETTINGS_FILE);
    if ((await textOf(settings)) !== SETTINGS) await writeFile(settings, SETTINGS);
    if ((await textOf(config))?.includes(SETTINGS_FILE) !== true) await appendFile(config, INCLUDE);
  } catch (error) {
    throw storageFailure(`The repository ${gitDir} cannot be opened.`, error);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
