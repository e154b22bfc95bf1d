import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alone } from './lock.mjs';
import { lastLines, Problem, root, runQuietly, secondsSince } from './run.mjs';

const lockFile = join(root, 'package-lock.json');
/** npm writes this list when an installation is complete, and not before. */
const installedFile = join(root, 'node_modules', '.package-lock.json');
const stampFile = join(root, 'node_modules', '.install-stamp');

/** Installs the packages of the lock file unless they are there. `before` is asked when something is to be written. */
export async function installPackages({ say, before }) {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (isInstalled(wanted)) return;
  before();
  await alone({ say }, () => install(wanted, say));
}

async function install(wanted, say) {
  // Whoever was waited for may have installed them.
  if (isInstalled(wanted)) return;
  const first = !existsSync(join(root, 'node_modules'));
  say(
    first ? 'Installing packages (first start only) …' : 'Installing packages (the lock file has changed) …',
  );
  const since = performance.now();
  const result = await npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
  if (result.code !== 0) throw new Problem(explain(result.output));
  writeStamp(wanted);
  say(`Installed packages in ${secondsSince(since)}.`);
}

function isInstalled(wanted) {
  if (!existsSync(installedFile)) return false;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return true;
  // Somebody ran npm by hand: what is there counts, not who put it there.
  if (!sameAsLockFile()) return false;
  writeStamp(wanted);
  return true;
}

/** Without it the next start compares again: a folder that cannot be written is no reason to stop. */
function writeStamp(content) {
  try {
    writeFileSync(stampFile, content);
  } catch {
    rmSync(stampFile, { force: true });
  }
}

function sameAsLockFile() {
  try {
    const there = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
    return Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages)
      .filter(([path]) => path.startsWith('node_modules/') || path.includes('/node_modules/'))
      .every(([path, entry]) => isThere(there[path], entry));
  } catch {
    return false;
  }
}

function isThere(found, wanted) {
  // Packages for other machines are in the lock file only.
  if (found === undefined)
    return wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
  return found.version === wanted.version && found.integrity === wanted.integrity;
}

/** The npm that started us, or the one on the PATH. */
function npm(args) {
  const cli = process.env['npm_execpath'];
  if (cli !== undefined && cli.endsWith('.js')) return runQuietly(process.execPath, [cli, ...args]);
  return runQuietly('npm', args);
}

function explain(output) {
  if (
    /\b(ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/.test(output)
  ) {
    return `The packages cannot be downloaded: the npm registry cannot be reached. The first start needs the network.\n${lastLines(output, 6)}`;
  }
  if (/\bENOSPC\b/.test(output))
    return `There is no space left to install the packages.\n${lastLines(output, 6)}`;
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) {
    return `The packages cannot be written to ${join(root, 'node_modules')}.\n${lastLines(output, 6)}`;
  }
  return `The packages cannot be installed. What npm said last:\n${lastLines(output)}`;
}
