import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Runner } from './exec-stream.js';

interface Place {
  readonly cwd?: string;
  /** All of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Programs run as they are, on this machine: what an API server does between is tested elsewhere. */
export const localRunner = (place: Place): Runner => ({
  run: (_key, [file = '', ...args]) => {
    const child = spawn(file, args, place);
    const complaint = text(child.stderr);
    const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
    child.stdin.on('error', () => undefined);
    return Promise.resolve({
      stdin: child.stdin,
      stdout: child.stdout,
      ended: ended.then(async (exitCode) => ({ exitCode, complaint: await complaint })),
      abort: () => child.kill('SIGKILL'),
    });
  },
});
