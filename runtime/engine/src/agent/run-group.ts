import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface GroupOptions {
  readonly folder: string;
  /** Aborted: it ends at once, and everything that it started. */
  readonly signal: AbortSignal;
}

export interface GroupEnd {
  /** null: a signal ended it. */
  readonly code: number | null;
  /** For a person: "code 1", or the signal's name. */
  readonly ending: string;
  /** What it said last, on either stream. */
  readonly lines: readonly string[];
}

const LINES = 20;

/** Runs a program in a group of its own until it ends. Throws what the signal was aborted with, once it has ended. */
export async function runGroup(
  [file = '', ...args]: readonly string[],
  { folder, signal }: GroupOptions,
): Promise<GroupEnd> {
  signal.throwIfAborted();
  const child = spawn(file, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = lastLines(child);
  const end = (): void => endGroup(child);
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code, ending] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    return { code, ending: ending ?? `code ${code ?? 0}`, lines: said() };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function lastLines(child: ChildProcess): () => readonly string[] {
  let rest = '';
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const [last = '', ...before] = `${rest}${chunk}`.split('\n').reverse();
      rest = last;
      lines.push(...before.reverse().filter((line) => line.trim() !== ''));
      lines.splice(0, Math.max(0, lines.length - LINES));
    });
  return () => (rest.trim() === '' ? [...lines] : [...lines, rest]);
}

function endGroup(child: ChildProcess): void {
  // What left the group may have its pipes still, and is not waited for.
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
