import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What tells a process from another one that got its number later: when it started, in the system's own words.
 * `undefined`: there is no such process.
 */
export async function startMark(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
    return stdout.trim() || undefined;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name in parentheses may contain anything; state and the numbers come after the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined || fields[0] === 'Z') return undefined;
  return fields[19];
}

export interface Marked {
  readonly pid: number;
  readonly mark: string;
}

export async function stillRuns(process: Marked): Promise<boolean> {
  return (await startMark(process.pid)) === process.mark;
}
