import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Isolation } from '../isolation/index.js';
import type { SnapshotStore } from '../snapshots/snapshot-store.js';
import type { ContainerLog } from '../logs/index.js';
import { probesOf, type Reach } from '../probes/index.js';
import { list, number, text, type KubeObject } from '../store/object.js';
import type { Loss } from '../isolation/index.js';
import type { ContainerEvents } from './container-events.js';
import { DeploymentApp, type AppState } from './deployment-app.js';
import { podPortOwner } from './endpoints.js';
import type { Lives } from './lives.js';
import { amountsOf } from './quantities.js';
import { containerEnvironment, MissingReferenceError, type Lookup } from './pod-env.js';
import { openPlace, type PodPlace } from './pod-place.js';
import type { PortAllocator } from './ports.js';
import { endProcesses, FOR_SERVERS, graceSecondsOf, MARKERS, programsOfPod } from './processes.js';
import type { Scripts } from './scripts.js';

export interface DeploymentRuntimeOptions {
  readonly pod: KubeObject;
  readonly snapshots: Pick<SnapshotStore, 'unpack'>;
  readonly lookup: Lookup;
  readonly service: (service: string, port: number) => number | undefined;
  readonly ports: PortAllocator;
  /** Of this pod alone; gone with it. */
  readonly folder: string;
  readonly engineId: string;
  readonly path: string;
  readonly scripts: Scripts;
  readonly isolation: Isolation;
  readonly log: Pick<Logger, 'error'>;
  /** Everything in it ended by itself. */
  readonly onLost: (loss: Loss) => void;
  readonly events: ContainerEvents;
  readonly lives: Lives;
  readonly containerLog: ContainerLog;
  readonly onChange: (state: AppState) => void;
}

/** The image cannot be had here; `reason` is a container's. */
export class ImageError extends Error {
  override readonly name = 'ImageError';

  constructor(
    readonly reason: 'ErrImagePull' | 'ErrImageNeverPull',
    message: string,
  ) {
    super(message);
  }
}

const PROJECT = 'fullstackagent.dev/project';
const IN_CLUSTER = '.svc.cluster.local';

/** A pod of a release on this machine: a copy of the snapshot, and the process that its command starts in it. */
export class DeploymentRuntime {
  private constructor(
    private readonly options: DeploymentRuntimeOptions,
    private readonly running: Running,
  ) {}

  /** Throws MissingReferenceError while something the pod needs is not there yet, ImageError where there is no image. */
  static async start(options: DeploymentRuntimeOptions): Promise<DeploymentRuntime> {
    const { pod } = options;
    const container = list(pod, 'spec', 'containers')[0];
    const variables = containerEnvironment(container, options.lookup);
    const command = await unpack(options, text(container, 'image') ?? '');
    const wanted = list(container, 'ports').map((entry) => number(entry, 'containerPort') ?? 0);
    const { namespace = '', name } = pod.metadata;
    const owners = wanted.map((port) => podPortOwner(namespace, name, port));
    const given = await options.ports.allocateAll(owners);
    const allocated = owners.map((owner, index) => ({ owner, port: given[index] ?? 0 }));
    try {
      const ports = new Map(wanted.map((port, index) => [port, given[index] ?? 0]));
      const parts = { container, variables, ports };
      const place = await openAppPlace(options, parts);
      try {
        const env = environment(options, place, parts);
        const app = new DeploymentApp({
          // A shell reads it, as when a person typed it.
          command: place.command('sh', ['-c', command]),
          waits: place.waits,
          cwd: place.cwd,
          env,
          probes: probesOf(container),
          reach: reachOf(place, ports, env),
          graceSeconds: graceSecondsOf(pod),
          events: options.events,
          lives: options.lives,
          log: options.containerLog,
          onChange: options.onChange,
        });
        app.start();
        return new DeploymentRuntime(options, { app, place, ports: allocated });
      } catch (error) {
        await place.close();
        throw error;
      }
    } catch (error) {
      for (const { port } of allocated) options.ports.release(port);
      throw error;
    }
  }

  get uid(): string {
    return this.options.pod.metadata.uid;
  }

  async stop({ limitSeconds = Infinity, forgetPorts = false, graceSeconds }: Ending = {}): Promise<void> {
    const { pod, ports, folder } = this.options;
    const grace = graceSeconds ?? graceSecondsOf(pod);
    this.running.app.stop();
    const find = async (): Promise<readonly number[]> => {
      const marked = await programsOfPod(pod.metadata.uid);
      // Where processes cannot be found by their environment there is still the one that was started here.
      return marked.length > 0 ? marked : this.running.app.group();
    };
    await endProcesses(find, Math.min(grace, limitSeconds) * 1000, FOR_SERVERS);
    this.running.app.signal('SIGKILL');
    await this.running.place.close();
    for (const { owner, port } of this.running.ports) {
      ports.release(port);
      if (forgetPorts) await ports.forget(owner);
    }
    await rm(folder, { recursive: true, force: true });
  }
}

async function unpack({ pod, snapshots, folder }: DeploymentRuntimeOptions, image: string): Promise<string> {
  if (!image.startsWith('snapshot.local/'))
    throw new ImageError(
      'ErrImagePull',
      'This machine runs snapshots of workspaces. It has nothing that runs an image from a registry: that takes a cluster.',
    );
  const owner = { namespace: pod.metadata.namespace ?? '', project: pod.metadata.labels?.[PROJECT] ?? '' };
  // What an attempt before left.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const snapshot = await snapshots.unpack(image, owner, join(folder, 'app'));
  if (snapshot === undefined)
    throw new ImageError(
      'ErrImageNeverPull',
      'This snapshot is not on this machine. Release the workspace anew.',
    );
  return snapshot.command;
}

const reachOf = (
  place: PodPlace,
  ports: ReadonlyMap<number, number>,
  env: Readonly<Record<string, string>>,
): Reach => ({
  listens: (port) => place.isListening(port),
  portOf: (port) => ports.get(port) ?? port,
  program: ([file = '', ...args]) => ({ ...place.command(file, args), cwd: place.cwd, env }),
});

export interface Ending {
  /** How long whoever asks can wait, whatever the pod was promised. */
  readonly limitSeconds?: number;
  /** What it was promised in the end; undefined: what it was at its start. */
  readonly graceSeconds?: number | undefined;
  /** The pod will not come back under its name. */
  readonly forgetPorts?: boolean;
}

interface Container {
  readonly container: unknown;
  readonly variables: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<number, number>;
}

interface Running {
  readonly app: DeploymentApp;
  readonly place: PodPlace;
  readonly ports: readonly { readonly owner: string; readonly port: number }[];
}

const APP = '/app';
const HOME = '/home/developer';
/** No terminal: every port is the app's. */
const NO_PORT = 0;

async function openAppPlace(
  options: DeploymentRuntimeOptions,
  { container, variables, ports }: Container,
): Promise<PodPlace> {
  const { pod, folder, isolation, service, scripts, path, log, onLost } = options;
  const { namespace = '', name } = pod.metadata;
  const own = (step: string): { folder: string; readOnly: boolean } => ({
    ...{ folder: join(folder, step), readOnly: false },
  });
  const mounts = new Map([
    [APP, own('app')],
    [HOME, own('home')],
    ['/tmp', own('tmp')],
  ]);
  for (const mount of mounts.values()) await mkdir(mount.folder, { recursive: true, mode: 0o700 });
  return openPlace({
    ...{ isolation, namespace, pod: name, folder, mounts, ports, service, scripts, path, log, onLost },
    workingDirectory: APP,
    amounts: amountsOf(container),
    terminalPort: NO_PORT,
    platform: setByPlatform(container, variables),
    markers: { [MARKERS.engine]: options.engineId, [MARKERS.pod]: pod.metadata.uid },
  });
}

function setByPlatform(
  container: unknown,
  variables: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const set = new Set(list(container, 'env').map((entry) => text(entry, 'name')));
  return new Map([...variables].filter(([name]) => set.has(name)));
}

/** Nothing of the platform's own environment. A user's values are taken as they are; only the platform's are translated. */
function environment(
  { pod, engineId, path }: DeploymentRuntimeOptions,
  place: PodPlace,
  { container, variables }: Container,
): Record<string, string> {
  const own = place.translate(setByPlatform(container, variables));
  const unresolved = [...own].find(([, value]) => value.includes(IN_CLUSTER));
  if (unresolved !== undefined)
    throw new MissingReferenceError(`what ${unresolved[0]} names does not answer yet`);
  return {
    PATH: path,
    HOME: place.home,
    TMPDIR: place.tmp,
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
    ...Object.fromEntries(variables),
    ...Object.fromEntries(own),
    [MARKERS.engine]: engineId,
    [MARKERS.pod]: pod.metadata.uid,
  };
}
