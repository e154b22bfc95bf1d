import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { installPackages } from './install.mjs';
import { Problem, root, runQuietly } from './run.mjs';

const GIT_WANTED = [2, 30];

async function checkGit() {
  const { code, output } = await runQuietly('git', ['--version']);
  if (code !== 0)
    throw new Problem('FullstackAgent needs git, and there is none on the PATH: install it first.');
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(output) ?? []).slice(1).map(Number);
  const [wantedMajor, wantedMinor] = GIT_WANTED;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Problem(`FullstackAgent needs git ${GIT_WANTED.join('.')} or newer. This is ${major}.${minor}.`);
}

/** Asked before something is installed or built; a complete folder may be read-only. */
function checkWritable() {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new Problem(`The folder ${root} cannot be written: FullstackAgent installs and builds there.`);
  }
}

const say = (line) => console.log(line);

export async function start() {
  try {
    await checkGit();
    await installPackages({ say, before: checkWritable });
    await build({ say, before: checkWritable });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(error.message);
    process.exit(1);
  }
  const main = join(root, 'runtime', 'engine', 'dist', 'platform', 'main.js');
  const { runPlatform } = await import(pathToFileURL(main).href);
  process.exit(await runPlatform(root));
}
