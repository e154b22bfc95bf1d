import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../files/polling.js';
import { RotatingFile } from '../files/rotating-file.js';
import { launchAs, postgresEnvironment, type Identity } from './identity.js';
import { serverArguments, type ServerPlace } from './settings.js';
import { PostgresError, type PostgresExit, type RunningPostgres } from './types.js';

/**
 * The guard. A watcher beside the server holds the read end of a pipe from this process. However this process ends,
 * the kernel closes the pipe, `read` fails and the watcher asks the server for a fast shutdown. A clean end writes
 * a line first. The shell then becomes the server, so its process id is the one that spawn() knows; the watcher is
 * started through one more shell so that it is never a child of the server, which minds children it does not know.
 */
const GUARD = `exec 3<&0
( { read -r _ <&3 || kill -INT $$; } >/dev/null 2>&1 & )
exec "$@" </dev/null 3<&-`;

/** Crash recovery of a large database takes its time. */
const READY_DEADLINE_MS = 120_000;
const FAST_SHUTDOWN_MS = 15_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;
const LOG_BYTES = 2 * 1024 * 1024;

export interface ServerOptions extends ServerPlace {
  readonly postgres: string;
  readonly identity: Identity;
  readonly logFile: string;
}

/** Starts a server and resolves when it accepts connections; rejects with its last words. */
export async function startServer(options: ServerOptions): Promise<RunningPostgres> {
  const server = new Server(options);
  try {
    await server.ready();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements RunningPostgres {
  readonly pid: number;
  readonly port: number;
  readonly #options: ServerOptions;
  readonly #child: ChildProcess;
  readonly #log: RotatingFile;
  readonly #exited: Promise<PostgresExit>;
  #exit: PostgresExit | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.port = options.port;
    this.#log = new RotatingFile({ path: options.logFile, maxBytes: LOG_BYTES });
    const command = ['/bin/sh', '-c', GUARD, 'sh', options.postgres, ...serverArguments(options)] as const;
    const launch = launchAs(options.identity, [...command]);
    this.#child = spawn(launch.file, [...launch.args], {
      ...launch.options,
      // A session of its own: Ctrl-C at the terminal reaches the supervisor, which stops things in order.
      detached: true,
      cwd: '/',
      env: postgresEnvironment,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.pid = this.#child.pid ?? -1;
    this.#child.stderr?.pipe(this.#log);
    this.#child.stdin?.on('error', () => undefined);
    this.#exited = new Promise((resolve) => {
      const settle = (code: number | null, signal: NodeJS.Signals | null, reason = ''): void => {
        this.#child.stdin?.end('done\n');
        this.#exit ??= { code, signal, lastOutput: this.#log.tail() + reason };
        resolve(this.#exit);
      };
      this.#child.once('error', (error) => settle(null, null, error.message));
      // `close`, not `exit`: by then everything it said has been read.
      this.#child.once('close', (code, signal) => settle(code, signal));
    });
  }

  /** The server writes `ready` into its pid file when it accepts connections. */
  async ready(): Promise<void> {
    const pidFile = join(this.#options.dataFolder, 'postmaster.pid');
    const state = await pollUntil(
      async () => {
        if (this.#exit !== undefined) return 'exited';
        const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
        return Number(lines[0]) === this.pid && lines[7]?.trim() === 'ready' ? 'ready' : undefined;
      },
      { everyMs: 10, deadlineMs: READY_DEADLINE_MS },
    );
    if (state === 'ready') return;
    const why =
      state === 'exited' ? lastLine(this.#exit?.lastOutput) : 'It did not accept connections in time.';
    throw new PostgresError('START_FAILED', `PostgreSQL did not start on port ${this.port}. ${why}`);
  }

  onExit(callback: (exit: PostgresExit) => void): void {
    void this.#exited.then(callback);
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#shutDown();
    await this.#stopping;
  }

  async #shutDown(): Promise<void> {
    const steps = [
      ['SIGINT', FAST_SHUTDOWN_MS],
      ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
      ['SIGKILL', IMMEDIATE_SHUTDOWN_MS],
    ] as const;
    for (const [signal, patienceMs] of steps) {
      if (this.#exit !== undefined) return;
      this.#child.kill(signal);
      if (await settledWithin(this.#exited, patienceMs)) return;
    }
  }
}

async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The line that says why: PostgreSQL's own FATAL where there is one. */
function lastLine(output: string | undefined): string {
  const lines = (output ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? 'It said nothing.';
}
