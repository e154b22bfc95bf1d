import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotStore } from '../snapshots/snapshot-store.js';
import { list, number, record, text, type KubeObject } from '../store/object.js';
import { DeploymentApp, type AppState } from './deployment-app.js';
import { podPortOwner } from './endpoints.js';
import { containerEnvironment, MissingReferenceError, translate, type Lookup } from './pod-env.js';
import type { PortAllocator } from './ports.js';
import { endProcesses, MARKERS, processesWith } from './processes.js';

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
const STARTUP_MS = 120_000;
const MAX_GRACE_SECONDS = 10;
const IN_CLUSTER = '.svc.cluster.local';

/** A pod of a release on this machine: a copy of the snapshot, and the process that its command starts in it. */
export class DeploymentRuntime {
  private constructor(
    private readonly options: DeploymentRuntimeOptions,
    private readonly app: DeploymentApp,
    private readonly ports: readonly { readonly owner: string; readonly port: number }[],
  ) {}

  /** Throws MissingReferenceError while something the pod needs is not there yet, ImageError where there is no image. */
  static async start(options: DeploymentRuntimeOptions): Promise<DeploymentRuntime> {
    const { pod, folder } = options;
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
      const env = environment(options, { container, variables, ports });
      await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o700 });
      await mkdir(join(folder, 'home'), { recursive: true, mode: 0o700 });
      const app = new DeploymentApp({
        command,
        cwd: join(folder, 'app'),
        env,
        port: given[0] ?? 0,
        startupMs: startupMs(container),
        onChange: options.onChange,
      });
      app.start();
      return new DeploymentRuntime(options, app, allocated);
    } catch (error) {
      for (const { port } of allocated) options.ports.release(port);
      throw error;
    }
  }

  get uid(): string {
    return this.options.pod.metadata.uid;
  }

  get output(): string {
    return this.app.output;
  }

  /** `forgetPorts`: the pod will not come back under its name. */
  async stop({ limitSeconds = MAX_GRACE_SECONDS, forgetPorts = false } = {}): Promise<void> {
    const { pod, ports, folder } = this.options;
    const grace =
      number(pod, 'metadata', 'deletionGracePeriodSeconds') ??
      number(pod, 'spec', 'terminationGracePeriodSeconds') ??
      MAX_GRACE_SECONDS;
    this.app.stop();
    await endProcesses(
      () => processesWith(MARKERS.pod, pod.metadata.uid),
      Math.min(grace, limitSeconds) * 1000,
    );
    this.app.signal('SIGKILL');
    for (const { owner, port } of this.ports) {
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

function startupMs(container: unknown): number {
  const probe = record(container, 'startupProbe');
  const period = number(probe, 'periodSeconds');
  const failures = number(probe, 'failureThreshold');
  return period === undefined || failures === undefined ? STARTUP_MS : period * failures * 1000;
}

interface Container {
  readonly container: unknown;
  readonly variables: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<number, number>;
}

/** Nothing of the platform's own environment. A user's values are taken as they are; only the platform's are translated. */
function environment(
  { pod, service, folder, engineId, path }: DeploymentRuntimeOptions,
  { container, variables, ports }: Container,
): Record<string, string> {
  const set = new Set(list(container, 'env').map((entry) => text(entry, 'name')));
  const own = translate(new Map([...variables].filter(([name]) => set.has(name))), {
    ports,
    mounts: new Map(),
    service,
    namespace: pod.metadata.namespace ?? '',
  });
  const unresolved = [...own].find(([, value]) => value.includes(IN_CLUSTER));
  if (unresolved !== undefined)
    throw new MissingReferenceError(`what ${unresolved[0]} names does not answer yet`);
  return {
    PATH: path,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
    ...Object.fromEntries(variables),
    ...Object.fromEntries(own),
    [MARKERS.engine]: engineId,
    [MARKERS.pod]: pod.metadata.uid,
  };
}
