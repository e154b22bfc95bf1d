import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pollUntil } from '../files/polling.js';
import type { ContainerLog } from '../logs/index.js';
import { Health, type Probe, type Probes, type Reach } from '../probes/index.js';
import { whyGivenUp, type ContainerEvents } from './container-events.js';
import type { Lives } from './lives.js';
import { CRASH_LOOP } from './pod-reports.js';
import type { Ended } from './pod-status.js';
import { followersOf, signal } from './processes.js';

export interface AppOptions {
  /** A shell on this machine, or in the pod's namespaces, with what it is to read. */
  readonly command: { readonly file: string; readonly args: readonly string[] };
  /** The process that is started waits for the app, and ends as it does: it is not to be told anything itself. */
  readonly waits: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly probes: Probes;
  readonly reach: Reach;
  /** How long it may take to end when a probe gave it up. */
  readonly graceSeconds: number;
  readonly events: ContainerEvents;
  /** Of what it prints. */
  readonly log: ContainerLog;
  readonly lives: Lives;
  readonly onChange: (state: AppState) => void;
}

/** How the process stands, in a container's words. */
export interface AppState {
  readonly started: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  readonly waiting?: { readonly reason: string; readonly message: string };
  readonly ended?: Ended;
}

const SHOWN_LINES = 6;
const GROUP_CHECK_MS = 50;
const LAST_WORDS_MS = 250;

/** One life of the process. */
interface Life {
  readonly child: ChildProcess;
  readonly health: Health;
  /** Everything that it printed has been read. */
  readonly read: Promise<unknown>;
  /** Until when what is left of it may take its time, by the monotonic clock; set when a probe gave it up. */
  endBy?: number;
  givenUp?: string;
}

/** One process of a release: started, asked how it is, and started again when it ends, later each time. */
export class DeploymentApp {
  #life: Life | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: AppState['waiting'];
  #stopped = false;

  constructor(private readonly options: AppOptions) {}

  get state(): AppState {
    const { started = false, ready = false } = this.#life?.health ?? {};
    const waiting = this.#waiting === undefined ? {} : { waiting: this.#waiting };
    return { started, ready, ...this.options.lives.told, ...waiting };
  }

  start(): void {
    if (this.#stopped) return;
    const { command, cwd, env, lives, events, log } = this.options;
    lives.begin();
    log.begin();
    // A group of its own: what it starts ends with it.
    const child = spawn(command.file, [...command.args], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const life: Life = {
      child,
      health: this.#healthOf(() => life),
      read: this.#keepOutput(child),
    };
    this.#life = life;
    child.once('error', () => void this.#ended(life, 126));
    child.once('exit', (code, signal) => {
      void this.#ended(life, code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
    events.started();
    this.#waiting = undefined;
    this.#tell();
    life.health.start();
  }

  /** No new start; who is there is ended by whoever asks. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#life?.health.stop();
  }

  /** Its process group, as `kill` has it; empty where nobody is in it. */
  group(): readonly number[] {
    const pid = this.#life?.child.pid;
    return pid !== undefined && hasGroup(pid) ? [-pid] : [];
  }

  /** To the whole group. */
  signal(name: NodeJS.Signals): void {
    if (this.#life !== undefined) signalGroup(this.#life.child.pid, name);
  }

  #keepOutput(child: ChildProcess): Promise<unknown> {
    const sinks = (['stdout', 'stderr'] as const).map((source) => {
      const sink = this.options.log.sink(source);
      child[source]?.pipe(sink);
      return finished(sink);
    });
    return Promise.allSettled(sinks);
  }

  #healthOf(life: () => Life): Health {
    const { probes, reach, events } = this.options;
    return new Health({
      probes,
      reach,
      onChange: () => {
        this.#tell();
      },
      onUnhealthy: (kind, message) => {
        events.unhealthy(kind, message);
      },
      onFailed: (probe, message) => {
        this.#giveUp(life(), probe, message);
      },
    });
  }

  #giveUp(life: Life, probe: Probe, message: string): void {
    const graceMs = (probe.graceSeconds ?? this.options.graceSeconds) * 1000;
    life.givenUp = whyGivenUp(probe, message);
    life.endBy = performance.now() + graceMs;
    this.options.events.failed(probe.kind);
    void this.#askToEnd(life);
    this.#timer = setTimeout(() => {
      signalGroup(life.child.pid, 'SIGKILL');
    }, graceMs);
  }

  async #askToEnd({ child: { pid } }: Life): Promise<void> {
    if (pid === undefined) return;
    if (this.options.waits) signal(await followersOf(pid), 'SIGTERM');
    else signalGroup(pid, 'SIGTERM');
  }

  async #ended(life: Life, exitCode: number): Promise<void> {
    const { pid } = life.child;
    life.health.stop();
    // Stopped, or ended already: an error of a process that was started is followed by its exit.
    if (!this.#isCurrent(life)) return;
    // The shell that was started may end before the program that it waited for.
    const deadlineMs = (life.endBy ?? 0) - performance.now();
    if (deadlineMs > 0)
      await pollUntil(() => (hasGroup(pid) ? undefined : true), { everyMs: GROUP_CHECK_MS, deadlineMs });
    if (!this.#isCurrent(life)) return;
    // What it left running in its group would hold the port.
    signalGroup(pid, 'SIGKILL');
    clearTimeout(this.#timer);
    // A program that left the group may hold the pipe open, and is not waited for.
    await Promise.race([life.read, sleep(LAST_WORDS_MS)]);
    if (!this.#isCurrent(life)) return;
    this.#life = undefined;
    const pauseMs = this.options.lives.end({ exitCode, output: this.options.log.tail });
    this.#waiting = { reason: CRASH_LOOP, message: whyItWaits(life.givenUp, this.options.log.tail) };
    this.options.events.backOff();
    this.#tell();
    this.#timer = setTimeout(() => {
      this.start();
    }, pauseMs);
  }

  #isCurrent(life: Life): boolean {
    return !this.#stopped && life === this.#life;
  }

  #tell(): void {
    this.options.onChange(this.state);
  }
}

function whyItWaits(givenUp: string | undefined, said: string): string {
  const lines = said.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  const words = lines === '' ? 'It printed nothing.' : `It last said: ${lines}`;
  return givenUp === undefined ? words : `${givenUp} ${words}`;
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Gone already.
  }
}

function hasGroup(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
