import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isErrno } from '../files/durable.js';

const run = promisify(execFile);

/**
 * What tells a process from another one that got its number later: when it started, in the system's own words.
 * `undefined`: there is no such process. Throws where that cannot be found out, as without a free file descriptor: the
 * process may well run.
 */
export async function startMark(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(nothingFound);
    return stdout.trim() || undefined;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(noProcess);
  // The name in parentheses may contain anything; state and the numbers come after the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined || fields[0] === 'Z') return undefined;
  return fields[19];
}

/** ESRCH: it ended between the opening of its file and the reading. */
function noProcess(error: unknown): undefined {
  if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error;
}

/** ps ends with 1 where there is no such process; its code is a word where it could not be started. */
function nothingFound(error: unknown): { readonly stdout: string } {
  if (!isErrno(error, '1')) throw error;
  return { stdout: '' };
}

export interface Marked {
  readonly pid: number;
  readonly mark: string;
}

/** Throws as {@link startMark} does. */
export async function stillRuns(process: Marked): Promise<boolean> {
  return (await startMark(process.pid)) === process.mark;
}
