import { spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import { spawn as spawnPty, type IPty } from '@lydell/node-pty';
import { PtyInput } from '../terminal/input.js';
import { ExecError, type ExecProcess, type ExecRequest } from './types.js';

/** Where a program of a pod runs. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What has to be started on this machine for a program to run there. */
  readonly command: (file: string, args: readonly string[]) => Command;
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

const INPUT_CHECK_MS = 20;
/** What may wait to be read before the program has to. */
const OUTPUT_HIGH_WATER = 256 * 1024;

/** Starts a program. Throws ExecError where it cannot be. */
export function startExec({ command, tty }: ExecRequest, surroundings: Surroundings): Promise<ExecProcess> {
  const [file, ...args] = command;
  if (file === undefined || file === '') throw new ExecError('There is no command.', 126);
  const started = surroundings.command(file, args);
  return tty ? Promise.resolve(withTerminal(started, surroundings)) : withPipes(started, surroundings);
}

async function withPipes({ file, args }: Command, { cwd, env }: Surroundings): Promise<ExecProcess> {
  // A group of its own: what it starts ends with it.
  const child = spawnProcess(file, [...args], { cwd, env, detached: true });
  child.stdin.on('error', () => undefined);
  const closed = new Promise<{ exitCode: number }>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
    });
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw notStarted(file, error);
  }
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: closed,
    resize: () => undefined,
    hangUp: () => {
      endGroup(child.pid);
    },
  };
}

function notStarted(file: string, error: unknown): ExecError {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return missing
    ? new ExecError(`exec: ${JSON.stringify(file)}: executable file not found`, 127)
    : new ExecError(`exec: ${JSON.stringify(file)}: it cannot be started`, 126);
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGHUP');
    process.kill(-pid, 'SIGTERM');
  } catch {
    // Gone already.
  }
}

function withTerminal({ file, args }: Command, { cwd, env }: Surroundings): ExecProcess {
  const pty = spawnPty(file, [...args], { name: 'xterm-256color', cwd, env, encoding: null });
  const stdout = new PassThrough({ readableHighWaterMark: OUTPUT_HIGH_WATER });
  pty.onData((data) => {
    if (!stdout.write(Buffer.from(data as unknown as Uint8Array))) pty.pause();
  });
  stdout.on('drain', () => {
    pty.resume();
  });
  const ended = new Promise<{ exitCode: number }>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      stdout.end();
      resolve({ exitCode: signal === undefined || signal === 0 ? exitCode : 128 + signal });
    });
  });
  return {
    stdin: typing(pty),
    stdout,
    ended,
    resize: ({ columns, rows }) => {
      try {
        pty.resize(columns, rows);
      } catch {
        // It has just ended.
      }
    },
    hangUp: () => {
      endGroup(pty.pid);
    },
  };
}

/** The end of a terminal's input is a key, and whoever types it sends it: closing means nothing here. */
function typing(pty: IPty): Writable {
  const input = new PtyInput(pty);
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (input.write(chunk)) {
        done();
        return;
      }
      const checking = setInterval(() => {
        if (!input.hasRoom()) return;
        clearInterval(checking);
        done();
      }, INPUT_CHECK_MS);
    },
  });
}
