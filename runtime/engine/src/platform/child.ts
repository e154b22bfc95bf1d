import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { RotatingFile } from '../files/rotating-file.js';

const LAST_WORDS_MS = 250;
const LOG_BYTES = 8 * 1024 * 1024;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a crash the pauses start small again. */
const SETTLED_MS = 60_000;
/** A child that never once became ready is given up after this many attempts. */
const ATTEMPTS_BEFORE_READY = 3;

export interface ChildOptions {
  readonly name: string;
  /** A Node program: it sends `{type: 'ready'}` when it serves, and ends on SIGTERM or when the channel closes. */
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly log: Logger;
  /** Told of every process that is started and that ended. */
  readonly onProcess: (name: string, pid: number | undefined) => Promise<void>;
}

/** It ended before it ever was ready. `output`: its last lines. */
export class ChildFailed extends Error {
  override readonly name = 'ChildFailed';
  readonly output: string;

  constructor(name: string, output: string) {
    super(`The ${name} does not start.`);
    this.output = output;
  }
}

/** A child process that is started again when it dies, until it is stopped. */
export class ManagedChild {
  readonly name: string;
  readonly #options: ChildOptions;
  readonly #logFile: RotatingFile;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  #wasReady = false;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;
  #ready: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
    this.#logFile = new RotatingFile({ path: options.logFile, maxBytes: LOG_BYTES });
  }

  /** Resolves when it is ready for the first time. Rejects with {@link ChildFailed}. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ready = { resolve, reject };
      this.#spawn();
    });
  }

  /** Asks it to end, and ends it when it takes longer than that. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#options.log.warn({ child: this.name }, 'Did not stop in time and was killed');
      child.kill('SIGKILL');
    }, patienceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#process?.kill('SIGKILL');
  }

  #spawn(): void {
    const { options, since } = { options: this.#options, since: performance.now() };
    const child = spawn(process.execPath, ['--enable-source-maps', options.script], {
      cwd: options.cwd,
      env: options.env,
      // A group of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops things in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    child.stdout?.pipe(this.#logFile, { end: false });
    child.stderr?.pipe(this.#logFile, { end: false });
    child.on('message', (message) => {
      if (isReady(message)) this.#onReady();
    });
    child.once('error', (error) =>
      this.#options.log.error({ child: this.name, err: error }, 'Cannot be started'),
    );
    if (child.pid !== undefined) void this.#tell(child.pid);
    const closed = new Promise((resolve) => child.once('close', resolve));
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#process = undefined;
        resolve();
        void this.#tell(undefined);
        if (this.#stopping) return;
        // Its last words are read first; a grandchild that holds the pipe open is not waited for.
        const livedMs = performance.now() - since;
        void Promise.race([closed, sleep(LAST_WORDS_MS)]).then(() =>
          this.#onDeath({ code, signal, livedMs }),
        );
      });
    });
  }

  async #tell(pid: number | undefined): Promise<void> {
    await this.#options.onProcess(this.name, pid).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'The list of children cannot be written');
    });
  }

  #onReady(): void {
    this.#wasReady = true;
    this.#options.log.info({ child: this.name }, 'Ready');
    this.#ready?.resolve();
  }

  #onDeath(death: { code: number | null; signal: NodeJS.Signals | null; livedMs: number }): void {
    if (this.#stopping) return;
    if (death.livedMs > SETTLED_MS) this.#failures = 0;
    this.#failures += 1;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#options.log.error({ child: this.name, ...death, restartInMs: pause }, 'Ended unexpectedly');
    if (!this.#wasReady && this.#failures >= ATTEMPTS_BEFORE_READY) {
      this.#ready?.reject(new ChildFailed(this.name, this.#logFile.tail()));
      return;
    }
    this.#restart = setTimeout(() => this.#spawn(), pause);
  }
}

function isReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
