import { execFile } from 'node:child_process';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../files/durable.js';
import { pollUntil } from '../files/polling.js';
import { clusterName } from './settings.js';
import { PostgresError, type PostgresLog } from './types.js';

const run = promisify(execFile);

interface Found {
  readonly pid: number;
  readonly role: 'postmaster' | 'backend';
}

interface Step {
  readonly signal: NodeJS.Signals;
  readonly to: readonly Found['role'][];
  readonly waitMs: number;
}

/** How a leftover is asked to go, each time a little less politely. */
const escalation: readonly Step[] = [
  { signal: 'SIGINT', to: ['postmaster'], waitMs: 10_000 },
  { signal: 'SIGQUIT', to: ['postmaster', 'backend'], waitMs: 5_000 },
  { signal: 'SIGKILL', to: ['postmaster', 'backend'], waitMs: 5_000 },
];

/**
 * Stops whatever an earlier life left running on this data folder, and removes a `postmaster.pid` that names a process
 * which is somebody else by now: PostgreSQL would refuse to start beside it. Costs nothing after a clean stop. While
 * one process is left the file stays, since it is what keeps a second server from this folder: then START_FAILED.
 */
export async function stopLeftovers(
  dataFolder: string,
  log: PostgresLog,
  steps: readonly Step[] = escalation,
): Promise<void> {
  const pidFile = join(dataFolder, 'postmaster.pid');
  const unclean = await readFile(pidFile, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  if (unclean === undefined) return;
  let left: readonly Found[] = await processesOf(dataFolder);
  for (const step of steps) {
    if (left.length === 0) break;
    const pids = left.map(({ pid }) => pid);
    log.warn({ dataFolder, signal: step.signal, pids }, 'Stopping a PostgreSQL of an earlier life');
    for (const { pid, role } of left) if (step.to.includes(role)) send(pid, step.signal);
    left = await outwait(dataFolder, step.waitMs);
  }
  if (left.length > 0) throw stillThere(dataFolder, left);
  await rm(pidFile, { force: true });
}

/** Waits until they are gone; answers who is left. */
async function outwait(dataFolder: string, deadlineMs: number): Promise<readonly Found[]> {
  let left: readonly Found[] = [];
  const ask = async (): Promise<true | undefined> => {
    left = await processesOf(dataFolder);
    return left.length === 0 ? true : undefined;
  };
  await pollUntil(ask, { everyMs: 50, deadlineMs });
  return left;
}

function stillThere(dataFolder: string, left: readonly Found[]): PostgresError {
  const pids = left.map(({ pid }) => pid).join(', ');
  return new PostgresError(
    'START_FAILED',
    `PostgreSQL did not start: an earlier one still runs on ${dataFolder} and cannot be ended (process ${pids}).`,
  );
}

/** Who may not be ended by this user counts as left. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/** The server and its backends: by the command line of the one and the process title of the others. */
async function processesOf(dataFolder: string): Promise<Found[]> {
  const title = `postgres: ${clusterName(dataFolder)}:`;
  const found: Found[] = [];
  for (const { pid, words } of await commandLines()) {
    if (words[0]?.startsWith(title) === true) found.push({ pid, role: 'backend' });
    else if (isPostmaster(words, dataFolder)) found.push({ pid, role: 'postmaster' });
  }
  return found;
}

function isPostmaster(words: readonly string[], dataFolder: string): boolean {
  const program = words[0]?.split('/').at(-1);
  return program === 'postgres' && words[1] === '-D' && words[2] === dataFolder;
}

interface CommandLine {
  readonly pid: number;
  readonly words: readonly string[];
}

async function commandLines(): Promise<CommandLine[]> {
  return process.platform === 'linux' ? commandLinesFromProc() : commandLinesFromPs();
}

async function commandLinesFromProc(): Promise<CommandLine[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), words: text.split('\0') };
    }),
  );
  return lines.filter(({ words }) => words[0] !== '');
}

async function commandLinesFromPs(): Promise<CommandLine[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,args='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) return [];
    const text = match[2];
    // `ps` joins the words: a title stays whole, a postmaster's folder may contain spaces.
    const postmaster = /^(\S*postgres) -D (.+?) -c listen_addresses=/.exec(text);
    const words = postmaster ? [postmaster[1] ?? '', '-D', postmaster[2] ?? ''] : [text];
    return [{ pid: Number(match[1]), words }];
  });
}
