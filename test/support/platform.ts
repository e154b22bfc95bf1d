import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, createWriteStream, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freePort, removeFolder, resultsFolder, ROOT, temporaryFolder } from './folders.js';
import { processesOf } from './processes.js';
import { until } from './until.js';

const READY = /^FullstackAgent is ready: (http:\/\/\S+)$/m;

export interface StartOptions {
  readonly home: string;
  /** Left out: no PORT is given, so that the default applies. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Another checkout, or a command in front (`setpriv …`). */
  readonly cwd?: string;
  readonly prefix?: readonly string[];
}

/** What decides how the platform runs must come from the test, never from the person who runs it. */
const NOT_INHERITED = [
  'DATABASE_URL',
  'KUBECONFIG',
  'CLUSTER',
  'PORT',
  'FULLSTACK_AGENT_HOME',
  'NODE_OPTIONS',
  'VITEST',
];

function environment(options: StartOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name));
  return {
    ...Object.fromEntries(inherited),
    ...(options.port === undefined ? {} : { PORT: String(options.port) }),
    FULLSTACK_AGENT_HOME: options.home,
    ...options.env,
  };
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One `npm start`, from the command on. */
export class Start {
  readonly home: string;
  readonly startedAt = performance.now();
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  #output = '';
  #exit: Exit | undefined;

  constructor(options: StartOptions) {
    this.home = options.home;
    const before = options.prefix === undefined ? [] : [...options.prefix.slice(1), process.execPath];
    // A group of its own, as a shell would make: Ctrl-C reaches every process in it.
    this.child = spawn(options.prefix?.[0] ?? process.execPath, [...before, 'scripts/start.mjs'], {
      cwd: options.cwd ?? ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(options),
    });
    const log = createWriteStream(join(resultsFolder('logs'), `${basename(options.home)}.log`), {
      flags: 'a',
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
        log.write(chunk);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        log.end();
        resolve(this.#exit);
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the platform could not be started');
    return this.child.pid;
  }

  /** The portal's address, once it is ready. The first start of a home makes keys and databases: give it time. */
  async ready(deadline = 120_000): Promise<string> {
    const address = (): string | undefined => READY.exec(this.#output)?.[1];
    await until('the platform to be ready', () => !this.running || address() !== undefined, {
      deadline,
      every: 20,
    }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${this.#output.slice(-4000)}`);
    });
    const found = address();
    if (found === undefined)
      throw new Error(`the platform ended before it was ready:\n${this.#output.slice(-4000)}`);
    return found;
  }

  /** What a terminal does on Ctrl-C: SIGINT to the whole foreground group. */
  ctrlC(): void {
    if (this.running) process.kill(-this.pid, 'SIGINT');
  }

  /** Ends it as a person would and waits until nothing of the home folder runs any more. */
  async stop(): Promise<Exit> {
    this.ctrlC();
    await until('the platform to end after Ctrl-C', () => !this.running, { deadline: 60_000 });
    await noProcessesOf(this.home);
    return this.exited;
  }
}

/** Holds when nothing of a home folder runs; says what does when that is not so in time. */
export async function noProcessesOf(home: string, deadline = 15_000): Promise<void> {
  const none = (): boolean => {
    const left = processesOf(home);
    if (left.length === 0) return true;
    throw new Error(left.map(({ pid, command }) => `${pid} ${command.slice(0, 160)}`).join('\n'));
  };
  await until(`no process of ${home} to be left`, none, { deadline });
}

/** For the end of a suite: whatever happened before, nothing of this home may go on running. */
export function killAllOf(home: string): void {
  for (const { pid } of processesOf(home)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the look and the signal.
    }
  }
}

/** A home folder and the platform that runs on it, for a suite: `start` in its beforeAll, `remove` in its afterAll. */
export class Platform {
  readonly home: string;
  readonly #env: Readonly<Record<string, string>>;
  #port: number | undefined;
  #start: Start | undefined;
  #url = '';

  constructor(name: string, env: Readonly<Record<string, string>> = {}) {
    this.home = temporaryFolder(name);
    this.#env = env;
  }

  get url(): string {
    return this.#url;
  }

  get repository(): string {
    return join(this.home, 'gitops.git');
  }

  /** What `npm start` printed so far, the last time. */
  get output(): string {
    return this.#start?.output ?? '';
  }

  /** The first time and every further time: the same home and the same port. */
  async start(): Promise<void> {
    this.#port ??= await freePort();
    this.#start = new Start({ home: this.home, port: this.#port, env: this.#env });
    this.#url = await this.#start.ready();
  }

  async stop(): Promise<void> {
    await this.#start?.stop();
  }

  /** Stops, checks that nothing is left, keeps the logs for whoever looks for a cause, and removes the home folder. */
  async remove(): Promise<void> {
    try {
      await this.stop();
    } finally {
      killAllOf(this.home);
      const logs = join(this.home, 'logs');
      if (existsSync(logs)) cpSync(logs, resultsFolder('logs', basename(this.home)), { recursive: true });
      removeFolder(this.home);
    }
  }
}
