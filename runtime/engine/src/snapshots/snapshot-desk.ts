import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { badRequest } from '../api/status.js';
import { list, text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import type { WorkloadController } from '../workloads/controller.js';
import { isOfDeployment } from '../workloads/deployments.js';
import { prepareMounts } from '../workloads/pod-volumes.js';
import { TooLargeError } from './tree-copy.js';
import type { SnapshotStore, TakenSnapshot } from './snapshot-store.js';

const PROJECT = 'fullstackagent.dev/project';
const WORKSPACE = '--workspace';

const input = z.strictObject({ project: z.string(), command: z.string().min(1).max(2000) });

/** Takes snapshots of running sandboxes, and forgets those of a project that is gone for ever. */
export class SnapshotDesk implements WorkloadController {
  /** One at a time: each keeps the disk busy. */
  #chain: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: {
      readonly store: Store;
      readonly snapshots: SnapshotStore;
      /** Folder with `volumes/` and `pods/`. */
      readonly home: string;
      readonly log: Pick<Logger, 'error'>;
    },
  ) {}

  /** Throws ApiError. */
  take(pod: KubeObject, body: unknown): Promise<TakenSnapshot> {
    const asked = input.safeParse(body);
    if (!asked.success) throw badRequest('A snapshot needs {"project", "command"}.');
    if (isOfDeployment(pod) || pod.metadata.labels?.[PROJECT] !== asked.data.project)
      throw badRequest('Only a sandbox has a workspace.');
    const taken = this.#chain.then(() => this.#take(pod, asked.data));
    this.#chain = taken.catch(() => undefined);
    return taken;
  }

  /** The claim goes last of all, and its data with it. */
  onChange({ type, object }: Change): void {
    const project = object.metadata.labels?.[PROJECT];
    const { namespace, name } = object.metadata;
    if (type !== 'DELETED' || object.kind !== 'PersistentVolumeClaim') return;
    if (project === undefined || namespace === undefined || name !== `${project}${WORKSPACE}`) return;
    this.#chain = this.#chain
      .then(() => this.options.snapshots.forget({ namespace, project }))
      .catch((error: unknown) => {
        this.options.log.error({ err: error, namespace, project }, 'snapshots cannot be removed');
      });
  }

  async close(): Promise<void> {
    await this.#chain;
  }

  async #take(
    pod: KubeObject,
    { project, command }: { readonly project: string; readonly command: string },
  ): Promise<TakenSnapshot> {
    const { home, snapshots } = this.options;
    const { namespace = '', uid } = pod.metadata;
    const mounts = await prepareMounts(pod, { volumes: join(home, 'volumes'), pod: join(home, 'pods', uid) });
    const folder = mounts.get(text(pod, 'spec', 'containers', 0, 'workingDir') ?? '/workspace')?.folder;
    if (folder === undefined) throw badRequest('This pod has no workspace.');
    try {
      return await snapshots.take({ namespace, project }, { folder, command }, this.#inUse(namespace));
    } catch (error) {
      if (error instanceof TooLargeError) throw badRequest(error.message);
      throw error;
    }
  }

  /** What runs, or is to run, stays. */
  #inUse(namespace: string): ReadonlySet<string> {
    const { store } = this.options;
    const templates = store
      .list('Deployment', namespace)
      .flatMap((deployment) => list(deployment, 'spec', 'template', 'spec', 'containers'));
    const pods = store.list('Pod', namespace).flatMap((pod) => list(pod, 'spec', 'containers'));
    return new Set(
      [...templates, ...pods].flatMap((container) => text(container, 'image')?.split('@')[1] ?? []),
    );
  }
}
