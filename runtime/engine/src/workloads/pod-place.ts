import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { basename } from 'node:path';
import type { Logger } from 'pino';
import {
  Confinement,
  limitedPlace,
  programBinds,
  SandboxNetwork,
  type Amounts,
  type Bind,
  type Bubblewrap,
  type Command,
  type Isolation,
  type Limiting,
  type Loss,
} from '../isolation/index.js';
import { translate } from './pod-env.js';
import { MARKERS } from './processes.js';
import type { Scripts } from './scripts.js';

/** Where the programs of a pod run: this machine as it is, or a part of it that is closed off. */
export interface PodPlace {
  /** What the platform's variables say here. For each program anew: a database may have moved. */
  translate(variables: ReadonlyMap<string, string>): ReadonlyMap<string, string>;
  /** What has to be started on this machine for a program to run there. */
  command(file: string, args: readonly string[]): Command;
  /** What is started for a command waits for the program, and ends as it does. */
  readonly waits: boolean;
  /** The shell of a terminal session: programs in it can open its terminal, and find by `env` which session they are of. */
  shell(args: readonly string[], env: Readonly<Record<string, string>>): Shell;
  /** Folder in which {@link command} has to be started on this machine. */
  readonly cwd: string;
  /** Whether a program there listens at a container port. */
  isListening(port: number): Promise<boolean>;
  readonly workspace: string;
  readonly home: string;
  readonly user: string;
  /** For what is gone when the pod is. */
  readonly runFolder: string;
  readonly tmp: string;
  readonly scripts: Scripts;
  /** Folder with programs for all sandboxes, as it is called there; undefined: not for this pod. */
  readonly tools: string | undefined;
  /** Whose files can be read here; undefined: this process's own. */
  readonly owner: number | undefined;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly isolation: Isolation;
  readonly namespace: string;
  readonly pod: string;
  /** The pod's own folder on this machine. */
  readonly folder: string;
  readonly mounts: ReadonlyMap<string, { readonly folder: string; readonly readOnly: boolean }>;
  readonly workingDirectory: string;
  /** Of the container: `resources.limits`. */
  readonly amounts: Amounts;
  /** Container port -> port of this machine. */
  readonly ports: ReadonlyMap<number, number>;
  /** Served by the engine itself. */
  readonly terminalPort: number;
  /** What the platform sets: which Services it names says what of this machine has to be reached. */
  readonly platform: ReadonlyMap<string, string>;
  readonly service: (service: string, port: number) => number | undefined;
  readonly scripts: Scripts;
  /** Of this machine; absent: none. */
  readonly tools?: string;
  readonly path: string;
  readonly markers: Readonly<Record<string, string>>;
  readonly log: Pick<Logger, 'error'>;
  /** It ended by itself, and everything in it. */
  readonly onLost: (loss: Loss) => void;
}

/** What has to be started, and with what in its environment. */
export interface Shell extends Command {
  readonly env: Readonly<Record<string, string>>;
}

const SH = '/bin/sh';
const SHELL = 'bash';
const HOME = '/home/developer';
const TMP = '/tmp';
const CONNECT_MS = 2000;
const TOOLS = '/run/fullstackagent/tools';
const SCRIPTS: Scripts = {
  bashrc: '/run/fullstackagent/bashrc',
  prepareWorkspace: '/run/fullstackagent/prepare-workspace.sh',
};
const NAMES = Object.keys(SCRIPTS) as (keyof Scripts)[];

export const openPlace = (options: PlaceOptions): Promise<PodPlace> =>
  options.isolation.kind === 'none'
    ? thisMachine(options, options.isolation)
    : ConfinedPlace.open(options, options.isolation);

async function thisMachine(options: PlaceOptions, isolation: Limiting): Promise<PodPlace> {
  const { mounts, folder, ports, namespace, service, scripts, workingDirectory } = options;
  const folders = new Map([...mounts].map(([inside, mount]) => [inside, mount.folder]));
  const workspace = folders.get(workingDirectory) ?? folder;
  const name = basename(folder);
  const limited = await limitedPlace(isolation, { name, sh: SH, amounts: options.amounts });
  return {
    translate: (variables) => translate(variables, { ports, mounts: folders, service, namespace }),
    command: (file, args) => limited.inside({ file, args }),
    waits: false,
    shell: (args, env) => ({ ...limited.inside({ file: SHELL, args }), env }),
    cwd: workspace,
    isListening: (port) => answers(ports.get(port) ?? port),
    workspace,
    home: folders.get(HOME) ?? workspace,
    user: userName(),
    runFolder: folder,
    tmp: folders.get(TMP) ?? tmpdir(),
    scripts,
    tools: options.tools,
    owner: undefined,
    close: () => limited.remove(),
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

/** By bubblewrap: everything is called as in the image, ports included where the network is its own. */
class ConfinedPlace implements PodPlace {
  readonly cwd = '/';
  readonly waits = true;
  readonly home = HOME;
  readonly user = 'developer';
  readonly runFolder = '/run';
  readonly tmp = TMP;
  readonly scripts = SCRIPTS;

  private constructor(
    private readonly options: PlaceOptions,
    private readonly confinement: Confinement,
    private readonly network: SandboxNetwork | undefined,
  ) {}

  static async open(options: PlaceOptions, isolation: Bubblewrap): Promise<ConfinedPlace> {
    const { namespace, pod, folder, mounts, path, scripts, tools, workingDirectory, amounts } = options;
    const markers = keepersMarkers(options);
    const own = [...mounts].map(([target, mount]): Bind => ({
      ...{ source: mount.folder, target, readOnly: mount.readOnly },
    }));
    const confinement = await Confinement.start({
      ...{ isolation, folder, workingDirectory, markers, amounts, home: HOME },
      name: `${namespace}/${pod}`,
      hostname: pod,
      binds: [
        ...own,
        ...(await programBinds(path.split(':'), process.execPath)),
        ...NAMES.map((name): Bind => ({ source: scripts[name], target: SCRIPTS[name], readOnly: true })),
        ...(tools === undefined ? [] : [{ source: tools, target: TOOLS, readOnly: true }]),
      ],
    });
    void confinement.whenLost.then(options.onLost);
    const reached = servicePorts(options, options.platform);
    return new ConfinedPlace(options, confinement, networkOf(options, { isolation, confinement, reached }));
  }

  get workspace(): string {
    return this.options.workingDirectory;
  }

  get tools(): string | undefined {
    return this.options.tools === undefined ? undefined : TOOLS;
  }

  get owner(): number | undefined {
    return this.confinement.owner;
  }

  translate(variables: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const { ports, namespace, service } = this.options;
    this.network?.reach(servicePorts(this.options, variables));
    // With a network of its own a port is what the manifest says.
    const here = this.network === undefined ? ports : new Map<number, number>();
    return translate(variables, { ports: here, mounts: new Map(), namespace, service });
  }

  command(file: string, args: readonly string[]): Command {
    return this.confinement.command(file, args);
  }

  /**
   * A terminal of this machine has no name inside. `script` opens one that has, and passes on what comes and goes. It is
   * no process of the session itself: it stays where it began.
   */
  shell(args: readonly string[], env: Readonly<Record<string, string>>): Shell {
    const set = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
    const line = ['exec', 'env', ...set, SHELL, ...args.map(quoted)].join(' ');
    const script = ['--quiet', '--flush', '--return', '--command', line, '/dev/null'];
    return { ...this.command('script', script), env: {} };
  }

  isListening(port: number): Promise<boolean> {
    return this.network === undefined
      ? answers(this.options.ports.get(port) ?? port)
      : this.confinement.isListening(port);
  }

  async close(): Promise<void> {
    await this.network?.close();
    await this.confinement.end();
  }
}

/** Ports of this machine's loopback that the variables speak of. */
function servicePorts(
  { namespace, service }: PlaceOptions,
  variables: ReadonlyMap<string, string>,
): readonly number[] {
  const found: number[] = [];
  translate(variables, {
    ...{ ports: new Map(), mounts: new Map(), namespace },
    service: (name, port) => {
      const here = service(name, port);
      if (here !== undefined) found.push(here);
      return here;
    },
  });
  return found;
}

interface NetworkParts {
  readonly isolation: Bubblewrap;
  readonly confinement: Confinement;
  readonly reached: readonly number[];
}

const keepersMarkers = ({ markers }: PlaceOptions): PlaceOptions['markers'] => ({
  ...markers,
  [MARKERS.keeper]: 'yes',
});

function networkOf(
  options: PlaceOptions,
  { isolation, confinement, reached }: NetworkParts,
): SandboxNetwork | undefined {
  const { pasta } = isolation.programs;
  if (!isolation.network.own || pasta === undefined) return undefined;
  const { ports, terminalPort, log } = options;
  const markers = keepersMarkers(options);
  const published = new Map([...ports].filter(([inside]) => inside !== terminalPort));
  return new SandboxNetwork({ isolation, confinement, pasta, published, markers, log }, reached);
}

/** For a POSIX shell. */
const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Whether somebody takes a connection at a port of this machine. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(CONNECT_MS, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
