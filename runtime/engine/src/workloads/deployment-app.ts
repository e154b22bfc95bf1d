import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import type { Ended } from './pod-status.js';

export interface AppOptions {
  /** A shell on this machine, or in the pod's namespaces, with what it is to read. */
  readonly command: { readonly file: string; readonly args: readonly string[] };
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether the app answers. */
  readonly listens: () => Promise<boolean>;
  /** How long it may go without listening, at first and later, before it is started anew. */
  readonly startupMs: number;
  readonly onChange: (state: AppState) => void;
}

/** How the process stands, in a container's words. */
export interface AppState {
  readonly ready: boolean;
  readonly restarts: number;
  readonly waiting?: { readonly reason: string; readonly message: string };
  readonly ended?: Ended;
}

const LOOK_WHILE_STARTING_MS = 150;
const LOOK_MS = 3000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Who ran for so long did not end for the reason it ended for before. */
const SETTLED_MS = 60_000;
const LAST_WORDS_CHARS = 16 * 1024;
const SHOWN_LINES = 6;

/** One process of a release: started, looked after, and started again when it ends, later each time. */
export class DeploymentApp {
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: AppState = { ready: false, restarts: 0 };
  #pauseMs = FIRST_PAUSE_MS;
  // By the monotonic clock: a laptop that slept, or a clock that was set, is no reason to end an app.
  #startedAt = 0;
  #startTime = new Date();
  /** Since when it has not listened. */
  #silentSince: number | undefined;
  #output = '';
  /** The same, of this life alone. */
  #said = '';
  #tooSlow = false;
  #stopped = false;

  constructor(private readonly options: AppOptions) {}

  get state(): AppState {
    return this.#state;
  }

  /** The end of what it printed, over all its starts. */
  get output(): string {
    return this.#output;
  }

  start(): void {
    if (this.#stopped) return;
    const { command, cwd, env } = this.options;
    this.#startedAt = performance.now();
    this.#startTime = new Date();
    this.#silentSince = this.#startedAt;
    this.#tooSlow = false;
    this.#said = '';
    // A group of its own: what it starts ends with it.
    const child = spawn(command.file, [...command.args], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new StringDecoder('utf8');
      stream.on('data', (chunk: Buffer) => {
        const words = decoder.write(chunk);
        this.#output = (this.#output + words).slice(-LAST_WORDS_CHARS);
        if (child === this.#child) this.#said = (this.#said + words).slice(-LAST_WORDS_CHARS);
      });
    }
    child.once('error', () => {
      this.#ended(child, 126);
    });
    child.once('exit', (code, signal) => {
      this.#ended(child, code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
    this.#look(LOOK_WHILE_STARTING_MS);
  }

  /** No new start; who is there is ended by whoever asks. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.signal('SIGTERM');
  }

  /** To the whole group. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child ?? {};
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // Gone already.
    }
  }

  #look(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#check();
    }, afterMs);
  }

  async #check(): Promise<void> {
    const child = this.#child;
    const ready = await this.options.listens();
    if (this.#stopped || child === undefined || child !== this.#child) return;
    const now = performance.now();
    if (ready && now - this.#startedAt > SETTLED_MS) this.#pauseMs = FIRST_PAUSE_MS;
    if (ready !== this.#state.ready)
      this.#tell({ ready, restarts: this.#state.restarts, ...this.#endedBefore() });
    if (this.#silentMs(ready, now) > this.options.startupMs) {
      this.#tooSlow = true;
      this.signal('SIGKILL');
      return;
    }
    this.#look(ready ? LOOK_MS : LOOK_WHILE_STARTING_MS);
  }

  /** One look without an answer is no reason to end an app: it may be starting its server anew. */
  #silentMs(ready: boolean, now: number): number {
    this.#silentSince = ready ? undefined : (this.#silentSince ?? now);
    return this.#silentSince === undefined ? 0 : now - this.#silentSince;
  }

  #endedBefore(): Pick<AppState, 'ended'> {
    const { ended } = this.#state;
    return ended === undefined ? {} : { ended };
  }

  #ended(child: ChildProcess, exitCode: number): void {
    if (child !== this.#child) return;
    // What it left running in its group would hold the port.
    this.signal('SIGKILL');
    this.#child = undefined;
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const message = this.#whyItWaits();
    const restarts = this.#state.restarts + 1;
    this.#tell({
      ready: false,
      restarts,
      waiting: { reason: 'CrashLoopBackOff', message },
      ended: { exitCode, startedAt: this.#startTime, at: new Date(), output: this.#said },
    });
    this.#timer = setTimeout(() => {
      this.start();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #whyItWaits(): string {
    const lines = this.#output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
    const said = lines === '' ? 'It printed nothing.' : `It last said: ${lines}`;
    return this.#tooSlow ? `Nothing listened at $PORT in time. ${said}` : said;
  }

  #tell(state: AppState): void {
    this.#state = state;
    this.options.onChange(state);
  }
}
