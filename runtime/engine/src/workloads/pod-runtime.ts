import { rm } from 'node:fs/promises';
import { spawn, type IPty } from '@lydell/node-pty';
import type { Logger } from 'pino';
import type { AgentPlaces } from '../agent/index.js';
import { startExec, type Surroundings } from '../exec/start.js';
import type { ExecProcess, ExecRequest } from '../exec/types.js';
import type { Isolation, Loss } from '../isolation/index.js';
import { Health, probesOf, type HealthOptions, type Reach } from '../probes/index.js';
import { list, number, record, text, type KubeObject } from '../store/object.js';
import { TerminalServer } from '../terminal/server.js';
import { podPortOwner } from './endpoints.js';
import { amountsOf } from './quantities.js';
import { containerEnvironment, MissingReferenceError, type Lookup } from './pod-env.js';
import { answers, openPlace, type PodPlace } from './pod-place.js';
import { prepareMounts, refreshFiles, type VolumePlaces } from './pod-volumes.js';
import type { PortAllocator } from './ports.js';
import { endProcesses, graceSecondsOf, MARKERS, programsOfPod } from './processes.js';
import type { Scripts } from './scripts.js';
import { prepareWorkspace, type Said } from './workspace-preparation.js';

export interface PodRuntimeOptions {
  readonly pod: KubeObject;
  readonly places: VolumePlaces;
  readonly lookup: Lookup;
  readonly ports: PortAllocator;
  /** Port of this machine where a Service of this namespace answers. */
  readonly service: (service: string, port: number) => number | undefined;
  readonly log: Pick<Logger, 'error'>;
  readonly engineId: string;
  readonly scripts: Scripts;
  readonly path: string;
  readonly isolation: Isolation;
  readonly agent: AgentPlaces;
  /** Everything in the pod ended by itself. */
  readonly onLost: (loss: Loss) => void;
  readonly health: Watching;
  /** What the preparation of the workspace says, as long as it goes on. */
  readonly onPrepare: (said: Said) => void;
}

/** Told how the container is. */
export interface Watching extends Pick<HealthOptions, 'onUnhealthy' | 'onFailed'> {
  readonly onChange: (health: Health) => void;
}

export interface Stopping {
  /** How long whoever asks can wait, whatever the pod was promised. */
  readonly limitSeconds?: number;
  /** What it was promised in the end; undefined: what it was at its start. */
  readonly graceSeconds?: number | undefined;
}

const TERMINAL_TOKEN = 'TTYD_ACCESS_TOKEN';

/**
 * One pod on this machine. In this version the engine itself is the image's entry point: the container is a terminal
 * server in the engine's process, and the pod's processes are the shells that people start through it.
 */
export class PodRuntime {
  readonly #terminal: TerminalServer;
  readonly #place: PodPlace;
  readonly #allocated: readonly number[];
  readonly #surroundings: () => Surroundings;
  readonly #health: Health;

  private constructor(
    private readonly options: PodRuntimeOptions,
    started: Started,
  ) {
    this.#terminal = started.terminal;
    this.#place = started.place;
    this.#allocated = [...started.ports.values()];
    this.#surroundings = started.surroundings;
    const health = new Health({
      ...options.health,
      probes: probesOf(list(options.pod, 'spec', 'containers')[0]),
      reach: reachOf(started),
      onChange: () => {
        options.health.onChange(health);
      },
    });
    this.#health = health;
  }

  /** Throws MissingReferenceError while something the pod needs is not there yet. */
  static async start(options: PodRuntimeOptions): Promise<PodRuntime> {
    const { pod, lookup } = options;
    const container = list(pod, 'spec', 'containers')[0];
    const variables = containerEnvironment(container, lookup);
    const token = variables.get(TERMINAL_TOKEN) ?? '';
    // An empty password would let every program on this machine in.
    if (token === '') throw new MissingReferenceError(`${TERMINAL_TOKEN} is not set`);
    const ports = await allocatePorts(options, container);
    const giveBack = (): void => {
      for (const port of ports.values()) options.ports.release(port);
    };
    try {
      const place = await openPodPlace(options, { container, variables, ports });
      return await PodRuntime.#serve(options, { place, container, variables, ports });
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  static async #serve(
    options: PodRuntimeOptions,
    { place, container, variables, ports }: Parts,
  ): Promise<PodRuntime> {
    const { pod, lookup, places, log } = options;
    try {
      await refreshFiles(pod, places, { lookup, owner: place.owner });
      const platform = platformVariables(container, variables);
      const surroundings = surroundingsOf(options, place, platform);
      // Before anybody can open a shell: it would find an empty folder, and nothing that says why.
      await prepareWorkspace({
        script: place.scripts.prepareWorkspace,
        surroundings: surroundings(),
        tell: options.onPrepare,
      });
      const terminal = new TerminalServer({
        token: variables.get(TERMINAL_TOKEN) ?? '',
        log,
        title: `${variables.get('PROJECT_NAME') ?? pod.metadata.name} (${pod.metadata.name})`,
        spawn: shellSpawner(place, surroundings),
      });
      await terminal.listen(ports.get(terminalPort(container)) ?? 0);
      return new PodRuntime(options, { terminal, place, container, ports, surroundings });
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  get uid(): string {
    return this.options.pod.metadata.uid;
  }

  /** Variables have changed: new shells see them, running ones keep what they have. */
  refresh(): Promise<void> {
    return refreshFiles(this.options.pod, this.options.places, {
      lookup: this.options.lookup,
      owner: this.#place.owner,
    });
  }

  /** Runs a program beside the shells. Throws ExecError where it cannot be started. */
  exec(request: ExecRequest): Promise<ExecProcess> {
    return startExec(request, this.#surroundings());
  }

  /** From now on its probes are run, and what they find is told. */
  watch(): void {
    this.#health.start();
  }

  async stop({ limitSeconds = Infinity, graceSeconds }: Stopping = {}): Promise<void> {
    const { pod, places, ports } = this.options;
    const grace = Math.min(graceSeconds ?? graceSecondsOf(pod), limitSeconds);
    this.#health.stop();
    const shells = this.#terminal.shells();
    this.#terminal.hangUp();
    await this.#terminal.close();
    const find = async (): Promise<readonly number[]> => {
      const marked = await programsOfPod(pod.metadata.uid);
      return [...new Set([...marked, ...shells.filter(isAlive)])];
    };
    await endProcesses(find, grace * 1000);
    await this.#place.close();
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

/** The terminal is the engine's own, whatever network the programs have. */
function reachOf({ place, container, ports, surroundings }: Started): Reach {
  const here = (port: number): number => ports.get(port) ?? port;
  return {
    listens: (port) => (port === terminalPort(container) ? answers(here(port)) : place.isListening(port)),
    portOf: here,
    program: ([file = '', ...args]) => {
      const { cwd, env, command } = surroundings();
      return { ...command(file, args), cwd, env };
    },
  };
}

interface Started {
  readonly terminal: TerminalServer;
  readonly place: PodPlace;
  readonly container: unknown;
  readonly ports: ReadonlyMap<number, number>;
  readonly surroundings: () => Surroundings;
}

interface Parts {
  readonly place: PodPlace;
  readonly container: unknown;
  readonly variables: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<number, number>;
}

/** The pod's folders are there, and its namespaces where it has any. */
async function openPodPlace(
  options: PodRuntimeOptions,
  { container, variables, ports }: Omit<Parts, 'place'>,
): Promise<PodPlace> {
  const { pod, places, isolation, service, scripts, path, agent, log, onLost } = options;
  const { namespace = '', name } = pod.metadata;
  return openPlace({
    ...{ isolation, namespace, pod: name, folder: places.pod, ports, service, scripts, path, log, onLost },
    tools: agent.tools,
    mounts: await prepareMounts(pod, places),
    workingDirectory: text(container, 'workingDir') ?? '/workspace',
    amounts: amountsOf(container),
    terminalPort: terminalPort(container),
    platform: platformVariables(container, variables),
    markers: markersOf(options),
  });
}

const markersOf = ({ engineId, pod }: PodRuntimeOptions): Readonly<Record<string, string>> => ({
  [MARKERS.engine]: engineId,
  [MARKERS.pod]: pod.metadata.uid,
});

/** For each program anew: what a Service's name means can change while the pod runs. */
function surroundingsOf(
  options: PodRuntimeOptions,
  place: PodPlace,
  platform: ReadonlyMap<string, string>,
): () => Surroundings {
  return () => ({
    cwd: place.cwd,
    env: shellEnvironment(options, place, platform),
    command: (file, args) => place.command(file, args),
  });
}

function shellSpawner(
  place: PodPlace,
  surroundings: () => Surroundings,
): (size: { columns: number; rows: number }, session: string) => IPty {
  return ({ columns, rows }, session) => {
    const { cwd, env } = surroundings();
    // Files that are dropped onto a terminal go where its shell is: this is how that is found.
    const shell = place.shell(['--rcfile', place.scripts.bashrc, '-i'], { FULLSTACKAGENT_SESSION: session });
    return spawn(shell.file, [...shell.args], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd,
      env: { ...env, ...shell.env },
      // Bytes as they come: a chunk may end inside a UTF-8 sequence.
      encoding: null,
    });
  };
}

/** Read by `.bashrc`, and one by Claude Code: which version there is, is for the installation to say. */
const agentVariables = (
  { isolation, agent }: PodRuntimeOptions,
  { tools }: PodPlace,
): Record<string, string> => ({
  ...(tools === undefined ? {} : { FULLSTACKAGENT_TOOLS_DIR: tools, DISABLE_AUTOUPDATER: '1' }),
  ...(isolation.kind === 'none' ? { FULLSTACKAGENT_CONSENT_FILE: agent.consentFile } : {}),
});

/** Nothing of the platform's own environment; and not the terminal's token, which no shell needs. */
function shellEnvironment(
  options: PodRuntimeOptions,
  place: PodPlace,
  platform: ReadonlyMap<string, string>,
): Record<string, string> {
  const own = [...place.translate(platform)].filter(([name]) => name !== TERMINAL_TOKEN);
  return {
    PATH: place.tools === undefined ? options.path : `${options.path}:${place.tools}/bin`,
    HOME: place.home,
    SHELL: '/bin/bash',
    USER: place.user,
    LOGNAME: place.user,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    FULLSTACKAGENT_WORKSPACE: place.workspace,
    FULLSTACKAGENT_RUN_DIR: place.runFolder,
    ...agentVariables(options, place),
    ...(Object.fromEntries(own) as Record<string, string>),
    ...markersOf(options),
  };
}
