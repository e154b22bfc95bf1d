import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { ExecError, type ExecProcess, type ExecRequest } from '../exec/types.js';
import type { Isolation } from '../isolation/index.js';
import { list, refOf, text, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';
import { isOfDeployment } from './deployments.js';
import { MissingReferenceError } from './pod-env.js';
import { lookupIn, servicePortIn } from './pod-lookup.js';
import { PodRuntime } from './pod-runtime.js';
import { podStatus, type PodCondition } from './pod-status.js';
import type { PortAllocator } from './ports.js';

export interface PodControllerOptions {
  readonly store: Store;
  readonly ports: PortAllocator;
  readonly events: EventRecorder;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly engineId: string;
  /** Folder with `volumes/` and `pods/`. */
  readonly home: string;
  readonly bashrc: string;
  readonly path: string;
  readonly isolation: Isolation;
}

/** A pod waits for these: a change of one is a reason to look at the pods of its namespace again. */
const NEEDED_BY_PODS: readonly string[] = ['Secret', 'ConfigMap', 'PersistentVolumeClaim'];

/** A person is waiting at Ctrl-C. */
const CLOSE_SECONDS = 6;

/** Runs pods, and says in their status what became of it. */
export class PodController implements WorkloadController {
  readonly #queue: KeyedQueue;
  readonly #runtimes = new Map<string, PodRuntime>();
  /** Uids of pods whose namespaces ended by themselves, with everything in them. */
  readonly #lost = new Set<string>();

  constructor(private readonly options: PodControllerOptions) {
    this.#queue = new KeyedQueue({ name: 'pods', log: options.log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ type, object }: Change): void {
    const { namespace, name, deletionTimestamp } = object.metadata;
    if (object.kind === 'Pod') {
      if (isOfDeployment(object)) return;
      // A change of its status is its own doing.
      if (type !== 'MODIFIED' || deletionTimestamp !== undefined) this.#queue.add(keyOfName(namespace, name));
    } else if (NEEDED_BY_PODS.includes(object.kind)) {
      for (const pod of this.options.store.list('Pod', namespace))
        if (!isOfDeployment(pod)) this.#queue.add(keyOfName(namespace, pod.metadata.name));
    }
  }

  async close(): Promise<void> {
    await this.#queue.close();
    await Promise.all([...this.#runtimes.values()].map((runtime) => runtime.stop(CLOSE_SECONDS)));
  }

  /** Runs a program in a pod. Throws ExecError where the pod does not run, or the program cannot be started. */
  async exec({ metadata: { namespace, name, uid } }: KubeObject, request: ExecRequest): Promise<ExecProcess> {
    const runtime = this.#runtimes.get(keyOfName(namespace, name));
    if (runtime?.uid !== uid) throw new ExecError(`The pod ${name} does not run (yet).`, 126);
    return runtime.exec(request);
  }

  async #reconcile(key: string): Promise<void> {
    const ref: ObjectRef = { kind: 'Pod', ...nameOfKey(key) };
    const pod = this.options.store.get(ref);
    await this.#endUnwanted(key, pod);
    if (pod === undefined) return;
    if (pod.metadata.deletionTimestamp !== undefined) this.options.store.remove(ref);
    else if (this.#runtimes.has(key)) await this.#runtimes.get(key)?.refresh();
    else await this.#start(key, pod);
  }

  async #endUnwanted(key: string, pod: KubeObject | undefined): Promise<void> {
    const runtime = this.#runtimes.get(key);
    if (runtime === undefined) return;
    const lost = this.#lost.delete(runtime.uid);
    const wanted = runtime.uid === pod?.metadata.uid && pod.metadata.deletionTimestamp === undefined;
    if (wanted && !lost) return;
    if (pod !== undefined) this.options.events.note(pod, 'Killing', 'Stopping container sandbox');
    await runtime.stop();
    this.#runtimes.delete(key);
  }

  async #start(key: string, pod: KubeObject): Promise<void> {
    const unbound = this.#unboundClaim(pod);
    if (unbound !== undefined) {
      this.#report(pod, {
        phase: 'Pending',
        unschedulable: `persistentvolumeclaim "${unbound}" is not bound`,
      });
      return;
    }
    try {
      const runtime = await PodRuntime.start(this.#runtimeOptions(pod));
      this.#runtimes.set(key, runtime);
      this.options.events.note(pod, 'Started', 'Started container sandbox');
      this.#report(pod, { phase: 'Running' });
    } catch (error) {
      const missing = error instanceof MissingReferenceError;
      const reason = missing ? 'CreateContainerConfigError' : 'RunContainerError';
      this.#report(pod, { phase: 'Pending', waiting: { reason, message: messageOf(error) } });
      // What is missing is waited for; anything else is tried again, later each time.
      if (!missing) throw error;
    }
  }

  #unboundClaim(pod: KubeObject): string | undefined {
    const claims = list(pod, 'spec', 'volumes').map((volume) =>
      text(volume, 'persistentVolumeClaim', 'claimName'),
    );
    return claims.find((name) => {
      if (name === undefined) return false;
      const claim = this.options.store.get({
        kind: 'PersistentVolumeClaim',
        namespace: pod.metadata.namespace,
        name,
      });
      return text(claim, 'status', 'phase') !== 'Bound';
    });
  }

  #runtimeOptions(pod: KubeObject) {
    const { store, home, ports, engineId, bashrc, path, isolation, log } = this.options;
    const { namespace, name, uid } = pod.metadata;
    return {
      pod,
      places: { volumes: join(home, 'volumes'), pod: join(home, 'pods', uid) },
      lookup: lookupIn(store, namespace),
      ports,
      service: servicePortIn(store, namespace),
      log,
      engineId,
      bashrc,
      path,
      isolation,
      onLost: () => {
        this.#lost.add(uid);
        this.#queue.add(keyOfName(namespace, name));
      },
    };
  }

  #report(pod: KubeObject, condition: PodCondition): void {
    const { store, now, events } = this.options;
    const current = store.get(refOf(pod));
    if (current?.metadata.uid !== pod.metadata.uid) return;
    const status = podStatus(current, condition, now());
    const trouble = condition.waiting?.message ?? condition.unschedulable;
    const isNew = !isDeepStrictEqual(current['status'], status);
    store.setStatus(refOf(pod), status);
    if (trouble !== undefined && isNew)
      events.warn(pod, condition.waiting?.reason ?? 'FailedScheduling', trouble);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown error');
