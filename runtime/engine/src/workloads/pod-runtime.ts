import { rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import type { Logger } from 'pino';
import { startExec, type Surroundings } from '../exec/start.js';
import type { ExecProcess, ExecRequest } from '../exec/types.js';
import { list, number, record, text, type KubeObject } from '../store/object.js';
import { TerminalServer } from '../terminal/server.js';
import { podPortOwner } from './endpoints.js';
import { containerEnvironment, MissingReferenceError, translate, type Lookup } from './pod-env.js';
import { prepareMounts, refreshFiles, type VolumePlaces } from './pod-volumes.js';
import type { PortAllocator } from './ports.js';
import { endProcesses, MARKERS, processesWith } from './processes.js';

export interface PodRuntimeOptions {
  readonly pod: KubeObject;
  readonly places: VolumePlaces;
  readonly lookup: Lookup;
  readonly ports: PortAllocator;
  /** Port of this machine where a Service of this namespace answers. */
  readonly service: (service: string, port: number) => number | undefined;
  readonly log: Pick<Logger, 'error'>;
  readonly engineId: string;
  readonly bashrc: string;
  readonly path: string;
}

/** The longest that a sandbox may take to end: a person is waiting for the next state. */
const MAX_GRACE_SECONDS = 10;
const TERMINAL_TOKEN = 'TTYD_ACCESS_TOKEN';
const HOME = '/home/developer';

/**
 * One pod on this machine. In this version the engine itself is the image's entry point: the container is a terminal
 * server in the engine's process, and the pod's processes are the shells that people start through it.
 */
export class PodRuntime {
  readonly #terminal: TerminalServer;
  readonly #allocated: readonly number[];
  readonly #surroundings: () => Surroundings;

  private constructor(
    private readonly options: PodRuntimeOptions,
    started: Started,
  ) {
    this.#terminal = started.terminal;
    this.#allocated = started.allocated;
    this.#surroundings = started.surroundings;
  }

  /** Throws MissingReferenceError while something the pod needs is not there yet. */
  static async start(options: PodRuntimeOptions): Promise<PodRuntime> {
    const { pod, places, lookup } = options;
    const container = list(pod, 'spec', 'containers')[0];
    const variables = containerEnvironment(container, lookup);
    const token = variables.get(TERMINAL_TOKEN) ?? '';
    // An empty password would let every program on this machine in.
    if (token === '') throw new MissingReferenceError(`${TERMINAL_TOKEN} is not set`);
    const mounts = await prepareMounts(pod, places);
    await refreshFiles(pod, places, lookup);
    const ports = await allocatePorts(options, container);
    const platform = platformVariables(container, variables);
    // For each shell anew: a database that was stopped may come back at another port of this machine.
    const environment = (): ReadonlyMap<string, string> =>
      translate(platform, {
        ports,
        mounts,
        service: options.service,
        namespace: pod.metadata.namespace ?? '',
      });
    const surroundings = surroundingsOf(options, { environment, mounts, container });
    const terminal = new TerminalServer({
      token,
      log: options.log,
      title: `${variables.get('PROJECT_NAME') ?? pod.metadata.name} (${pod.metadata.name})`,
      spawn: shellSpawner(options, surroundings),
    });
    try {
      await terminal.listen(ports.get(terminalPort(container)) ?? 0);
    } catch (error) {
      for (const port of ports.values()) options.ports.release(port);
      throw error;
    }
    return new PodRuntime(options, { terminal, allocated: [...ports.values()], surroundings });
  }

  get uid(): string {
    return this.options.pod.metadata.uid;
  }

  /** Variables have changed: new shells see them, running ones keep what they have. */
  refresh(): Promise<void> {
    return refreshFiles(this.options.pod, this.options.places, this.options.lookup);
  }

  /** Runs a program beside the shells. Throws ExecError where it cannot be started. */
  exec(request: ExecRequest): Promise<ExecProcess> {
    return startExec(request, this.#surroundings());
  }

  /** `limitSeconds`: how long whoever asks can wait, whatever the pod was promised. */
  async stop(limitSeconds = MAX_GRACE_SECONDS): Promise<void> {
    const { pod, places, ports } = this.options;
    const grace =
      number(pod, 'metadata', 'deletionGracePeriodSeconds') ??
      number(pod, 'spec', 'terminationGracePeriodSeconds');
    const shells = this.#terminal.shells();
    this.#terminal.hangUp();
    await this.#terminal.close();
    const find = async (): Promise<readonly number[]> => {
      const marked = await processesWith(MARKERS.pod, pod.metadata.uid);
      return [...new Set([...marked, ...shells.filter(isAlive)])];
    };
    await endProcesses(find, Math.min(grace ?? MAX_GRACE_SECONDS, limitSeconds) * 1000);
    for (const port of this.#allocated) ports.release(port);
    await rm(places.pod, { recursive: true, force: true });
  }
}

/**
 * What the manifest's `env` sets. The user's variables (`envFrom`) come to each shell from the mounted files: in the
 * environment they would keep the value of the pod's start, and stay after they were removed.
 */
function platformVariables(
  container: unknown,
  all: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const names = list(container, 'env').map((entry) => text(entry, 'name') ?? '');
  return new Map(names.flatMap((name) => (all.has(name) ? [[name, all.get(name) ?? '']] : [])));
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

async function allocatePorts(
  { pod, ports }: PodRuntimeOptions,
  container: unknown,
): Promise<ReadonlyMap<number, number>> {
  const wanted = list(container, 'ports').map((entry) => number(entry, 'containerPort') ?? 0);
  const { namespace = '', name } = pod.metadata;
  const given = await ports.allocateAll(wanted.map((port) => podPortOwner(namespace, name, port)));
  return new Map(wanted.map((port, index) => [port, given[index] ?? 0]));
}

/** The container port that the probes ask for: where the terminal answers. */
function terminalPort(container: unknown): number {
  const probed = record(container, 'readinessProbe', 'tcpSocket')['port'];
  const entry = list(container, 'ports').find(
    (port) => text(port, 'name') === probed || number(port, 'containerPort') === probed,
  );
  return number(entry, 'containerPort') ?? 7681;
}

interface Started {
  readonly terminal: TerminalServer;
  readonly allocated: readonly number[];
  readonly surroundings: () => Surroundings;
}

interface Shell {
  readonly environment: () => ReadonlyMap<string, string>;
  readonly mounts: ReadonlyMap<string, string>;
  readonly container: unknown;
}

/** For each program anew: what a Service's name means can change while the pod runs. */
function surroundingsOf(options: PodRuntimeOptions, shell: Shell): () => Surroundings {
  const cwd = shell.mounts.get(text(shell.container, 'workingDir') ?? '/workspace') ?? options.places.pod;
  return () => ({ cwd, env: shellEnvironment(options, { ...shell, cwd }) });
}

function shellSpawner(
  options: PodRuntimeOptions,
  surroundings: () => Surroundings,
): (size: { columns: number; rows: number }, session: string) => IPty {
  return ({ columns, rows }, session) => {
    const { cwd, env } = surroundings();
    return spawn('bash', ['--rcfile', options.bashrc, '-i'], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd,
      // Files that are dropped onto a terminal go where its shell is: this is how that is found.
      env: { ...env, FULLSTACKAGENT_SESSION: session },
      // Bytes as they come: a chunk may end inside a UTF-8 sequence.
      encoding: null,
    });
  };
}

/** A number may have no name: `docker run --user 1234`. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'developer');
  }
}

/** Nothing of the platform's own environment; and not the terminal's token, which no shell needs. */
function shellEnvironment(options: PodRuntimeOptions, { environment, mounts, cwd }: Shell & { cwd: string }) {
  const own = Object.fromEntries([...environment()].filter(([name]) => name !== TERMINAL_TOKEN));
  const home = mounts.get(HOME) ?? cwd;
  const user = userName();
  return {
    PATH: options.path,
    HOME: home,
    SHELL: '/bin/bash',
    USER: user,
    LOGNAME: user,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    FULLSTACKAGENT_WORKSPACE: cwd,
    FULLSTACKAGENT_RUN_DIR: join(options.places.pod),
    ...own,
    [MARKERS.engine]: options.engineId,
    [MARKERS.pod]: options.pod.metadata.uid,
  };
}
