import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk, type Disk } from './disk.js';
import { makeDirectories, replaceFile } from './durable.js';
import { isMissing, storageFailure } from './failures.js';
import { gitBytes, type GitLocation } from './git-process.js';

/** Included from the repository's own `config`, which is the operator's. */
const SETTINGS_FILE = 'fullstackagent.config';
/** What `git init --bare` writes; written here so that it is on the disk before anything hangs on it. */
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';
const HEAD = 'ref: refs/heads/main\n';

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
[transfer]
\t# What arrives stays one pack: its name is sure with one sync, loose objects would be one each.
\tunpackLimit = 1
[receive]
\t# A push past the portal can only go forward on main, and never touch what is rendered.
\tdenyNonFastForwards = true
\tdenyDeletes = true
\thideRefs = refs/heads/rendered
\tfsckObjects = true
\tautogc = false
`;

/** Makes the bare repository if it is not there yet, and sets what it needs. Durable when it answers. */
export async function initialiseRepository(location: GitLocation, disk: Disk = realDisk): Promise<void> {
  const { gitDir } = location;
  try {
    for (const folder of ['objects', 'objects/info', 'objects/pack', 'refs', 'refs/heads', 'refs/tags'])
      await makeDirectories(disk, join(gitDir, folder));
    const config = join(gitDir, 'config');
    const before = await textOf(config);
    const isNew = before === undefined || (await textOf(join(gitDir, 'HEAD'))) === undefined;
    const text = before ?? CONFIG;
    await replaceWhereDifferent(disk, join(gitDir, SETTINGS_FILE), SETTINGS);
    await replaceWhereDifferent(disk, config, text.includes(SETTINGS_FILE) ? text : text + INCLUDE);
    // The last of it: a folder without a HEAD is no repository, and is begun again.
    if (isNew) await replaceWhereDifferent(disk, join(gitDir, 'HEAD'), HEAD);
    // Says at once where there is no git, or where it would not take this folder.
    if (isNew) await gitBytes(location, ['rev-parse', '--is-bare-repository']);
  } catch (error) {
    throw storageFailure(`The repository ${gitDir} cannot be opened.`, error);
  }
}

async function replaceWhereDifferent(disk: Disk, path: string, text: string): Promise<void> {
  if ((await textOf(path)) !== text) await replaceFile(disk, { path, bytes: text });
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
