import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface SpawnOptions {
  readonly uid?: number;
  readonly gid?: number;
  /** A command that the process is put after, and which becomes it. */
  readonly after?: readonly string[];
}

/** Runs a TypeScript file in a process of its own, with an IPC channel; as another user where root asks for one. */
export function spawnTypeScript(
  file: URL,
  args: readonly string[],
  { after = [], ...user }: SpawnOptions = {},
): ChildProcess {
  const loader = new URL('./typescript-loader.mjs', import.meta.url);
  const [program, ...rest] = [...after, process.execPath, '--import', loader.href];
  return spawn(program, [...rest, fileURLToPath(file), ...args], {
    ...user,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** The next message; rejects when the process ends first. */
export function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code, signal) => reject(new Error(`The process ended: ${code ?? signal ?? '?'}`)));
    child.once('error', reject);
  });
}
