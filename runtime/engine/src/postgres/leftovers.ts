import { execFile } from 'node:child_process';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../files/durable.js';
import { pollUntil } from '../files/polling.js';
import { clusterName } from './settings.js';
import type { PostgresLog } from './types.js';

const run = promisify(execFile);

interface Found {
  readonly pid: number;
  readonly role: 'postmaster' | 'backend';
}

/** How a leftover is asked to go, each time a little less politely. */
const escalation: readonly { signal: NodeJS.Signals; to: readonly Found['role'][]; waitMs: number }[] = [
  { signal: 'SIGINT', to: ['postmaster'], waitMs: 10_000 },
  { signal: 'SIGQUIT', to: ['postmaster', 'backend'], waitMs: 5_000 },
  { signal: 'SIGKILL', to: ['postmaster', 'backend'], waitMs: 5_000 },
];

/**
 * Stops whatever an earlier life left running on this data folder, and removes a `postmaster.pid` that names a process
 * which is somebody else by now: PostgreSQL would refuse to start beside it. Costs nothing after a clean stop.
 */
export async function stopLeftovers(dataFolder: string, log: PostgresLog): Promise<void> {
  const pidFile = join(dataFolder, 'postmaster.pid');
  const unclean = await readFile(pidFile, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  if (unclean === undefined) return;
  for (const { signal, to, waitMs } of escalation) {
    const left = await processesOf(dataFolder);
    if (left.length === 0) break;
    log.warn(
      { dataFolder, signal, pids: left.map(({ pid }) => pid) },
      'Stopping a PostgreSQL of an earlier life',
    );
    for (const { pid, role } of left) if (to.includes(role)) send(pid, signal);
    const gone = await pollUntil(
      async () => ((await processesOf(dataFolder)).length === 0 ? true : undefined),
      {
        everyMs: 50,
        deadlineMs: waitMs,
      },
    );
    if (gone === true) break;
  }
  await rm(pidFile, { force: true });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
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
