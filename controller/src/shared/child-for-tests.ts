import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface TestChild {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  /** The lines it has printed so far. */
  readonly lines: readonly string[];
  /** Answers when so many lines are there; rejects when it ends before. */
  printed(count: number): Promise<void>;
  /** No last words: what `kill -9` and a lost machine do. */
  kill(): Promise<void>;
}

/** Runs a TypeScript file in a process of its own, to do with it what a test cannot do to itself. */
export const runTypeScript = (file: URL, ...args: readonly string[]): TestChild =>
  runTypeScriptAfter([], file, ...args);

/** That, after a command which becomes the process. */
export function runTypeScriptAfter(
  after: readonly string[],
  file: URL,
  ...args: readonly string[]
): TestChild {
  const loader = new URL('./typescript-loader-for-tests.mjs', import.meta.url).href;
  const node = [process.execPath, '--conditions', 'source', '--import', loader, fileURLToPath(file)];
  const [program = '', ...options] = [...after, ...node, ...args];
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const ended = once(child, 'exit');
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    process: child,
    lines,
    kill,
    printed: (count) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (lines.length >= count) resolve();
        };
        reader.on('line', look);
        void ended.then(() => reject(new Error(`The child ended after ${lines.length} lines.`)));
        look();
      }),
  };
}
