import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Isolation, Loss } from '../isolation/index.js';
import type { SnapshotStore } from '../snapshots/snapshot-store.js';
import { list, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { ContainerLog } from '../logs/index.js';
import { probesNotRun } from '../probes/index.js';
import { ContainerEvents } from './container-events.js';
import type { AppState } from './deployment-app.js';
import { DeploymentRuntime, ImageError } from './deployment-runtime.js';
import { isOfDeployment } from './deployments.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';
import { MissingReferenceError } from './pod-env.js';
import { Lives } from './lives.js';
import { lookupIn, servicePortIn } from './pod-lookup.js';
import { PodReports, waitingAfter } from './pod-reports.js';
import { graceSecondsOf } from './processes.js';
import type { PortAllocator } from './ports.js';
import type { Scripts } from './scripts.js';

export interface DeploymentPodsOptions {
  readonly store: Store;
  readonly snapshots: SnapshotStore;
  readonly ports: PortAllocator;
  readonly events: EventRecorder;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'error'>;
  readonly engineId: string;
  /** Folder with `pods/` and `logs/`. */
  readonly home: string;
  readonly path: string;
  readonly scripts: Scripts;
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
  /** By uid: pods whose namespaces ended by themselves, with everything in them. */
  readonly #lost = new Map<string, Loss>();
  /** By uid. */
  readonly #lives = new Map<string, Lives>();
  readonly #reports: PodReports;
  readonly #logs = new Map<string, ContainerLog>();
  #closed = false;

  constructor(private readonly options: DeploymentPodsOptions) {
    this.#reports = new PodReports(options);
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
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }

  /** What a pod's process prints; undefined where none was started yet. */
  log({ metadata: { namespace, name } }: KubeObject): ContainerLog | undefined {
    return this.#logs.get(keyOfName(namespace, name));
  }

  /** Under its name, which it has again after a restart of the engine: what it printed before that is still there. */
  #logOf(key: string): ContainerLog {
    const { namespace, name } = nameOfKey(key);
    const { home, now } = this.options;
    return this.#logs.get(key) ?? new ContainerLog({ folder: join(home, 'logs', namespace, name), now });
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
    const lost = this.#lost.get(runtime.uid);
    this.#lost.delete(runtime.uid);
    const wanted = runtime.uid === pod?.metadata.uid && pod.metadata.deletionTimestamp === undefined;
    if (wanted) {
      if (lost === undefined) return;
      await runtime.stop();
      this.#countLoss(pod, lost);
    } else {
      if (pod !== undefined) this.#eventsOf(pod).stopping();
      await runtime.stop({ forgetPorts: true, graceSeconds: pod && graceSecondsOf(pod) });
      this.#lives.delete(runtime.uid);
      await this.#logs.get(key)?.remove();
      this.#logs.delete(key);
    }
    this.#runtimes.delete(key);
  }

  #countLoss(pod: KubeObject, loss: Loss): void {
    const lives = this.#livesOf(pod);
    // Its own process may have told of its end first.
    if (lives.waitMs > 0) return;
    lives.end(loss);
    this.#eventsOf(pod).backOff();
    this.#reports.report(pod, waitingAfter(lives));
  }

  #livesOf({ metadata: { uid } }: KubeObject): Lives {
    const lives = this.#lives.get(uid) ?? new Lives();
    this.#lives.set(uid, lives);
    return lives;
  }

  async #start(key: string, pod: KubeObject): Promise<void> {
    const { store, snapshots, ports, engineId, home, path, scripts, isolation, log } = this.options;
    const { namespace, name, uid } = pod.metadata;
    const lives = this.#livesOf(pod);
    if (lives.waitMs > 0) {
      this.#queue.addLater(key, lives.waitMs);
      return;
    }
    const containerLog = this.#logOf(key);
    try {
      const runtime = await DeploymentRuntime.start({
        pod,
        snapshots,
        ports,
        engineId,
        path,
        scripts,
        isolation,
        log,
        onLost: (loss) => {
          this.#lost.set(uid, loss);
          this.#queue.add(keyOfName(namespace, name));
        },
        lookup: lookupIn(store, namespace),
        service: servicePortIn(store, namespace),
        folder: join(home, 'pods', uid),
        events: this.#eventsOf(pod),
        lives,
        containerLog,
        onChange: (state) => {
          this.#follow(pod, state);
        },
      });
      this.#runtimes.set(key, runtime);
      this.#logs.set(key, containerLog);
      this.#eventsOf(pod).notRun(probesNotRun(list(pod, 'spec', 'containers')[0]));
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown error';
      this.#reports.report(pod, { phase: 'Pending', waiting: { reason: reasonOf(error), message } });
      // What is missing is waited for; anything else is tried again, later each time.
      if (!(error instanceof MissingReferenceError) && !(error instanceof ImageError)) throw error;
    }
  }

  #eventsOf(pod: KubeObject): ContainerEvents {
    return new ContainerEvents(this.options.events, pod);
  }

  #follow(pod: KubeObject, state: AppState): void {
    if (!this.#closed) this.#reports.report(pod, { phase: 'Running', ...state });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ImageError) return error.reason;
  return error instanceof MissingReferenceError ? 'CreateContainerConfigError' : 'RunContainerError';
}
