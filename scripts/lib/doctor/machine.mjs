import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { root, runQuietly } from '../run.mjs';
import { homeFolder, runningAt } from './home.mjs';
import { gibibytes } from './sizes.mjs';

const NODE_WANTED = [20, 19];
const GIT_WANTED = [2, 30];
/** A first start takes about this much: packages, builds, a repository, a database. */
const NEEDED_BYTES = 1024 ** 3;
const COMFORTABLE_BYTES = 5 * 1024 ** 3;
const POSTGRES_MACHINES = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
];

export async function machineFindings() {
  const asked = process.env['PORT'] || undefined;
  return [node(), await git(), postgres(), packages(), space(), await port(asked)];
}

const atLeast = ([major, minor], [wantedMajor, wantedMinor]) =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

function node() {
  const about = { group: 'start', name: 'Node' };
  if (atLeast(process.versions.node.split('.').map(Number), NODE_WANTED))
    return { ...about, state: 'ok', says: process.version };
  return {
    ...about,
    state: 'wrong',
    says: `this is ${process.version}; ${NODE_WANTED.join('.')} or newer is needed (nodejs.org)`,
  };
}

async function git() {
  const about = { group: 'start', name: 'git', packages: ['git'] };
  const { code, output } = await runQuietly('git', ['--version']);
  if (code !== 0) return { ...about, state: 'missing', says: 'it is not on the PATH' };
  const found = (/(\d+)\.(\d+)/.exec(output) ?? []).slice(1).map(Number);
  if (atLeast(found, GIT_WANTED)) return { ...about, state: 'ok', says: output.trim() };
  return { ...about, state: 'wrong', says: `${output.trim()}; ${GIT_WANTED.join('.')} or newer is needed` };
}

function postgres() {
  const about = { group: 'start', name: 'PostgreSQL' };
  const machine = `${process.platform}-${process.arch}`;
  if (!POSTGRES_MACHINES.includes(machine))
    return { ...about, state: 'wrong', says: `there is none for ${machine} in the npm package` };
  if (process.getuid?.() === 0 && !/^nobody:/m.test(readFileSync('/etc/passwd', 'utf8')))
    return {
      ...about,
      state: 'wrong',
      says: 'it does not run as root, and there is no user "nobody" for it',
    };
  return { ...about, state: 'ok', says: `comes with the packages, for ${machine}` };
}

function packages() {
  const about = { group: 'start', name: 'packages', state: 'ok' };
  const there = existsSync(join(root, 'node_modules', '.package-lock.json'));
  return { ...about, says: there ? 'installed' : 'not yet: npm start installs them, with the network' };
}

function space() {
  const about = { group: 'start', name: 'disk space' };
  let folder = homeFolder();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const says = `${gibibytes(free)} free for ${homeFolder()}`;
  if (free < NEEDED_BYTES) return { ...about, state: 'wrong', says: `${says}; 1 GiB is needed` };
  return { ...about, state: 'ok', says: free < COMFORTABLE_BYTES ? `${says}, which is not much` : says };
}

async function port(asked) {
  const about = { group: 'start', name: 'port' };
  const number = Number(asked ?? 3000);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    return { ...about, state: 'wrong', says: 'PORT is not a number from 1 to 65535' };
  const problem = await listenOnce(number);
  if (problem === undefined) return { ...about, state: 'ok', says: `${number} is free` };
  const running = await runningAt(homeFolder());
  if (running !== undefined) return { ...about, state: 'ok', says: `FullstackAgent runs: ${running}` };
  const reason = problem === 'EADDRINUSE' ? 'in use by another program' : `not to be opened: ${problem}`;
  // A port that nobody asked for gives way.
  if (asked === undefined)
    return { ...about, state: 'ok', says: `${number} is ${reason}; the next free one is taken` };
  return { ...about, state: 'wrong', says: `PORT ${number} is ${reason}` };
}

/** The system's error code, or `undefined`. */
function listenOnce(number) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.code ?? error.message));
    server.listen(number, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}
