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
  /** A Node program: it sends `{type: 'ready', notice?}` when it serves, and ends on SIGTERM or when the channel closes. */
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly log: Logger;
  /** Told of every process that is started and that ended. */
  readonly onProcess: (name: string, pid: number | undefined) => Promise<void>;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
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
  #notice: string | undefined;
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

  /** What it wants a person to know who starts the platform; told when it became ready. */
  get notice(): string | undefined {
    return this.#notice;
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
    const since = performance.now();
    let child: ChildProcess;
    try {
      child = this.#launch();
    } catch (error) {
      // Some reasons are thrown (no memory), others come as an event (no such folder).
      this.#cannotStart(error);
      this.#onDeath({ code: null, signal: null, livedMs: 0 });
      return;
    }
    this.#process = child;
    child.stdout?.pipe(this.#logFile, { end: false });
    child.stderr?.pipe(this.#logFile, { end: false });
    child.on('message', (message) => {
      if (isReady(message)) this.#onReady(message.notice);
    });
    if (child.pid !== undefined) void this.#tell(child.pid);
    const closed = new Promise((resolve) => child.once('close', resolve));
    this.#ended = this.#endOf(child).then(({ code, signal }) => {
      this.#process = undefined;
      void this.#tell(undefined);
      if (this.#stopping) return;
      // Its last words are read first; a grandchild that holds the pipe open is not waited for.
      const livedMs = performance.now() - since;
      void Promise.race([closed, sleep(LAST_WORDS_MS)]).then(() => this.#onDeath({ code, signal, livedMs }));
    });
  }

  #launch(): ChildProcess {
    const { script, cwd, env } = this.#options;
    return spawn(process.execPath, ['--enable-source-maps', script], {
      cwd,
      env,
      // A group of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops things in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
  }

  /** However it ends: one that could not be started has no `exit`, and at the limit of open files no `close` either. */
  #endOf(child: ChildProcess): Promise<Exit> {
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => resolve({ code, signal });
      child.once('exit', end);
      child.once('close', end);
      // Not only of its start: a signal or a message that cannot be sent is an error too, and no end.
      child.on('error', (error) => {
        if (child.pid !== undefined) {
          this.#options.log.warn({ child: this.name, err: error }, 'Cannot be reached');
          return;
        }
        this.#cannotStart(error);
        end(null, null);
      });
    });
  }

  #cannotStart(error: unknown): void {
    this.#options.log.error({ child: this.name, err: error }, 'Cannot be started');
    this.#logFile.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }

  async #tell(pid: number | undefined): Promise<void> {
    await this.#options.onProcess(this.name, pid).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'The list of children cannot be written');
    });
  }

  #onReady(notice: unknown): void {
    this.#wasReady = true;
    this.#notice = typeof notice === 'string' ? notice : undefined;
    this.#options.log.info({ child: this.name }, 'Ready');
    this.#ready?.resolve();
  }

  #onDeath(death: Exit & { readonly livedMs: number }): void {
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

function isReady(message: unknown): message is { readonly type: 'ready'; readonly notice?: unknown } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
