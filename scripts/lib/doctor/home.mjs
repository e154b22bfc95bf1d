import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { root, runQuietly } from '../run.mjs';
import { readable } from './sizes.mjs';

/** What version of the layout this program knows: runtime/engine/src/platform/home.ts. */
const VERSION = 1;
/** The longest path of a Unix socket that Linux and macOS both take. */
const LONGEST = 103;
const PATIENCE_MS = 2000;

/** As `npm start` reads it. */
export const homeFolder = () => resolve(root, process.env['FULLSTACK_AGENT_HOME'] || '.fullstack-agent');

export async function homeFindings() {
  const about = { group: 'start', name: 'home folder' };
  const home = homeFolder();
  if (Buffer.byteLength(join(home, 'lock-1000.sock')) > LONGEST)
    return [{ ...about, state: 'wrong', says: `${home} is too long a name for a Unix socket` }];
  if (!existsSync(home)) return [{ ...about, ...beforeTheFirstStart(home) }];
  const wrong = whatIsWrong(home);
  if (wrong !== undefined) return [{ ...about, state: 'wrong', ...wrong }];
  const running = await runningAt(home);
  const says = `${home}, ${running === undefined ? 'not running' : `running: ${running}`}`;
  return [{ ...about, state: 'ok', says }, closedToOthers(home)];
}

/** As root, PostgreSQL's user has to pass through; nobody else may look. The next start closes it by itself. */
function closedToOthers(home) {
  const about = { group: 'sandboxes', name: 'home folder' };
  const mode = statSync(home).mode & 0o777;
  if ((mode & (process.getuid?.() === 0 ? 0o066 : 0o077)) === 0)
    return { ...about, state: 'ok', says: `closed to other users (mode ${mode.toString(8)})` };
  const says = `open to other users of this machine (mode ${mode.toString(8)})`;
  return { ...about, state: 'wrong', says, remedy: `chmod 700 ${quoted(home)}` };
}

function beforeTheFirstStart(home) {
  let folder = dirname(home);
  while (!existsSync(folder)) folder = dirname(folder);
  if (writable(folder)) return { state: 'ok', says: `${home} is made by the first start` };
  return { state: 'wrong', says: `${home} cannot be made: ${folder} is not yours to write in` };
}

function whatIsWrong(home) {
  const stat = statSync(home);
  if (!stat.isDirectory()) return { says: `${home} is not a folder` };
  const me = process.getuid?.();
  if (me !== undefined && stat.uid !== me)
    return { says: `${home} belongs to another user (uid ${stat.uid}): start as that user` };
  if (!writable(home)) return { says: `${home} cannot be written` };
  const version = versionOf(home);
  if (version === undefined && readdirSync(home).length > 0)
    return { says: `${home} is not empty and was not made by FullstackAgent` };
  if (version > VERSION) return { says: `${home} was written by a newer FullstackAgent` };
  return undefined;
}

const quoted = (path) => `'${path.replaceAll("'", "'\\''")}'`;

function versionOf(home) {
  try {
    return Number.parseInt(readFileSync(join(home, 'version'), 'utf8'), 10);
  } catch {
    return undefined;
  }
}

function writable(folder) {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the platform on this folder says of itself, or `undefined` where none runs. */
export async function runningAt(home) {
  const names = existsSync(home) ? readdirSync(home).filter((name) => /^lock-\d+\.sock$/.test(name)) : [];
  const answers = await Promise.all(names.map((name) => ask(join(home, name))));
  const text = answers.find((answer) => answer !== undefined);
  if (text === undefined) return undefined;
  try {
    const { url, state } = JSON.parse(text);
    return String(url ?? state);
  } catch {
    return 'it does not answer';
  }
}

function ask(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('data', (chunk) => (text += chunk));
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(text));
  });
}

const PARTS = [
  ['repository', 'gitops.git'],
  ['workspaces', 'engine/volumes'],
  ['databases', 'engine/postgres'],
  ['snapshots', 'engine/snapshots'],
  ['backups of databases', 'engine/backups'],
  ['programs for sandboxes', 'engine/tools'],
  ['accounts', 'postgres'],
  ['logs', 'logs'],
];

/** Lines that say what the home folder takes. */
export async function diskUse() {
  const home = homeFolder();
  const there = PARTS.filter(([, path]) => existsSync(join(home, path)));
  if (there.length === 0) return [];
  const lines = await Promise.all(
    there.map(async ([name, path]) => `  ${name}: ${await sizeOf(join(home, path))}`),
  );
  return [`On the disk: ${await sizeOf(home)} in ${home}`, ...lines, ''];
}

async function sizeOf(path) {
  const { output } = await runQuietly('du', ['-sk', '--', path]);
  // A file that went away meanwhile makes du fail; what it counted stands in its last line all the same.
  const kibibytes = Number(/^(\d+)\s/m.exec(output)?.[1] ?? Number.NaN);
  return Number.isNaN(kibibytes) ? 'unknown' : readable(kibibytes * 1024);
}
