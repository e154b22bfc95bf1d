import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Isolation } from '../isolation/index.js';
import type { SnapshotStore } from '../snapshots/snapshot-store.js';
import { refOf, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import type { AppState } from './deployment-app.js';
import { DeploymentRuntime, ImageError } from './deployment-runtime.js';
import { isOfDeployment } from './deployments.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';
import { MissingReferenceError } from './pod-env.js';
import { lookupIn, servicePortIn } from './pod-lookup.js';
import { podStatus, type PodCondition } from './pod-status.js';
import type { PortAllocator } from './ports.js';

export interface DeploymentPodsOptions {
  readonly store: Store;
  readonly snapshots: SnapshotStore;
  readonly ports: PortAllocator;
  readonly events: EventRecorder;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'error'>;
  readonly engineId: string;
  /** Folder with `pods/`. */
  readonly home: string;
  readonly path: string;
  readonly bashrc: string;
  readonly isolation: Isolation;
}

/** A pod that waits, waits for these. */
const NEEDED: readonly string[] = ['Secret', 'ConfigMap', 'EndpointSlice'];

/** A person is waiting at Ctrl-C. */
const CLOSE_SECONDS = 6;

/** Runs the pods of releases, and says in their status what became of them. */
export class DeploymentPodController implements WorkloadController {
  readonly #queue: KeyedQueue;
  readonly #runtimes = new Map<string, DeploymentRuntime>();
  /** Uids of pods whose namespaces ended by themselves, with everything in them. */
  readonly #lost = new Set<string>();
  #closed = false;

  constructor(private readonly options: DeploymentPodsOptions) {
    this.#queue = new KeyedQueue({
      name: 'release pods',
      log: options.log,
      handle: (key) => this.#reconcile(key),
    });
  }

  onChange({ type, object }: Change): void {
    const { namespace, name, deletionTimestamp } = object.metadata;
    if (object.kind === 'Pod') {
      if (!isOfDeployment(object)) return;
      // A change of its status is its own doing.
      if (type !== 'MODIFIED' || deletionTimestamp !== undefined) this.#queue.add(keyOfName(namespace, name));
    } else if (NEEDED.includes(object.kind))
      for (const pod of this.options.store.list('Pod', namespace).filter(isOfDeployment)) {
        const key = keyOfName(namespace, pod.metadata.name);
        if (!this.#runtimes.has(key)) this.#queue.add(key);
      }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.close();
    await Promise.all(
      [...this.#runtimes.values()].map((runtime) => runtime.stop({ limitSeconds: CLOSE_SECONDS })),
    );
  }

  /** The end of what a pod's process printed; undefined where it does not run. */
  output({ metadata: { namespace, name, uid } }: KubeObject): string | undefined {
    const runtime = this.#runtimes.get(keyOfName(namespace, name));
    return runtime?.uid === uid ? runtime.output : undefined;
  }

  async #reconcile(key: string): Promise<void> {
    const ref: ObjectRef = { kind: 'Pod', ...nameOfKey(key) };
    const pod = this.options.store.get(ref);
    await this.#endUnwanted(key, pod);
    if (pod === undefined) return;
    if (pod.metadata.deletionTimestamp !== undefined) this.options.store.remove(ref);
    else if (!this.#runtimes.has(key)) await this.#start(key, pod);
  }

  async #endUnwanted(key: string, pod: KubeObject | undefined): Promise<void> {
    const runtime = this.#runtimes.get(key);
    if (runtime === undefined) return;
    const lost = this.#lost.delete(runtime.uid);
    const wanted = runtime.uid === pod?.metadata.uid && pod.metadata.deletionTimestamp === undefined;
    if (wanted && !lost) return;
    if (pod !== undefined) this.options.events.note(pod, 'Killing', 'Stopping container app');
    await runtime.stop({ forgetPorts: !wanted });
    this.#runtimes.delete(key);
  }

  async #start(key: string, pod: KubeObject): Promise<void> {
    const { store, snapshots, ports, events, engineId, home, path, bashrc, isolation, log } = this.options;
    const { namespace, name, uid } = pod.metadata;
    try {
      const runtime = await DeploymentRuntime.start({
        pod,
        snapshots,
        ports,
        engineId,
        path,
        bashrc,
        isolation,
        log,
        onLost: () => {
          this.#lost.add(uid);
          this.#queue.add(keyOfName(namespace, name));
        },
        lookup: lookupIn(store, namespace),
        service: servicePortIn(store, namespace),
        folder: join(home, 'pods', uid),
        onChange: (state) => {
          this.#follow(pod, state);
        },
      });
      this.#runtimes.set(key, runtime);
      events.note(pod, 'Started', 'Started container app');
      this.#report(pod, { phase: 'Running', ready: false });
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown error';
      this.#report(pod, { phase: 'Pending', waiting: { reason: reasonOf(error), message } });
      // What is missing is waited for; anything else is tried again, later each time.
      if (!(error instanceof MissingReferenceError) && !(error instanceof ImageError)) throw error;
    }
  }

  #follow(pod: KubeObject, { ready, restarts, waiting, ended }: AppState): void {
    if (this.#closed) return;
    this.#report(pod, {
      phase: 'Running',
      ready,
      restarts,
      ...(waiting === undefined ? {} : { waiting }),
      ...(ended === undefined ? {} : { ended }),
    });
  }

  #report(pod: KubeObject, condition: PodCondition): void {
    const { store, now, events } = this.options;
    const current = store.get(refOf(pod));
    if (current?.metadata.uid !== pod.metadata.uid) return;
    const status = podStatus(current, condition, now());
    const isNew = !isDeepStrictEqual(current['status'], status);
    store.setStatus(refOf(pod), status);
    if (condition.waiting !== undefined && isNew)
      events.warn(pod, condition.waiting.reason, condition.waiting.message);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ImageError) return error.reason;
  return error instanceof MissingReferenceError ? 'CreateContainerConfigError' : 'RunContainerError';
}
