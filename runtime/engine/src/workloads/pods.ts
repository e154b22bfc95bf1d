import { join } from 'node:path';
import type { Logger } from 'pino';
import { fullDisk } from '../files/durable.js';
import type { AgentPlaces } from '../agent/index.js';
import { ExecError, type ExecProcess, type ExecRequest } from '../exec/types.js';
import type { Isolation, Loss } from '../isolation/index.js';
import { probesNotRun, type Health, type Probe, type ProbeKind } from '../probes/index.js';
import { list, text, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { ContainerEvents, whyGivenUp } from './container-events.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import type { EventRecorder } from './events.js';
import { KeyedQueue } from './keyed-queue.js';
import { isOfDeployment } from './deployments.js';
import { Lives } from './lives.js';
import { MissingReferenceError } from './pod-env.js';
import { lookupIn, servicePortIn } from './pod-lookup.js';
import { PodReports, waitingAfter } from './pod-reports.js';
import { PodRuntime } from './pod-runtime.js';
import type { PortAllocator } from './ports.js';
import { graceSecondsOf } from './processes.js';
import type { Scripts } from './scripts.js';
import { Turns } from './turns.js';
import type { Said } from './workspace-preparation.js';

export interface PodControllerOptions {
  readonly store: Store;
  readonly ports: PortAllocator;
  readonly events: EventRecorder;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly engineId: string;
  /** Folder with `volumes/` and `pods/`. */
  readonly home: string;
  readonly scripts: Scripts;
  readonly path: string;
  readonly isolation: Isolation;
  readonly agent: AgentPlaces;
}

/** A pod waits for these: a change of one is a reason to look at the pods of its namespace again. */
const NEEDED_BY_PODS: readonly string[] = ['Secret', 'ConfigMap', 'PersistentVolumeClaim'];

/** A person is waiting at Ctrl-C. */
const CLOSE_SECONDS = 6;

/** The end of a sandbox that nobody asked for. */
interface Fallen extends Loss {
  /** For people, where more is known than how it ended. */
  readonly why?: string;
  /** A probe's own, where one gave it up. */
  readonly graceSeconds?: number | undefined;
}

/** What ended by SIGTERM, as shells have it. */
const TERMINATED = 143;

/** Runs pods, and says in their status what became of it. */
export class PodController implements WorkloadController {
  readonly #queue: KeyedQueue;
  readonly #runtimes = new Map<string, PodRuntime>();
  /** By uid: pods whose namespaces ended by themselves, or that a probe gave up. */
  readonly #fallen = new Map<string, Fallen>();
  /** By uid. */
  readonly #lives = new Map<string, Lives>();
  readonly #reports: PodReports;
  readonly #starts = Turns.forStarts();
  #closing = false;

  constructor(private readonly options: PodControllerOptions) {
    this.#reports = new PodReports(options);
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
    this.#closing = true;
    await this.#queue.close();
    await Promise.all(
      [...this.#runtimes.values()].map((runtime) => runtime.stop({ limitSeconds: CLOSE_SECONDS })),
    );
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
    const fallen = this.#fallen.get(runtime.uid);
    this.#fallen.delete(runtime.uid);
    const wanted = runtime.uid === pod?.metadata.uid && pod.metadata.deletionTimestamp === undefined;
    if (wanted) {
      if (fallen === undefined) return;
      await runtime.stop({ graceSeconds: fallen.graceSeconds });
      this.#countFall(pod, fallen);
    } else {
      if (pod !== undefined) this.#eventsOf(pod).stopping();
      await runtime.stop({ graceSeconds: pod && graceSecondsOf(pod) });
      this.#lives.delete(runtime.uid);
    }
    this.#runtimes.delete(key);
  }

  #countFall(pod: KubeObject, fallen: Fallen): void {
    const lives = this.#livesOf(pod);
    lives.end(fallen);
    this.#eventsOf(pod).backOff();
    this.#reports.report(pod, waitingAfter(lives, fallen.why));
  }

  #livesOf({ metadata: { uid } }: KubeObject): Lives {
    const lives = this.#lives.get(uid) ?? new Lives();
    this.#lives.set(uid, lives);
    return lives;
  }

  #eventsOf(pod: KubeObject): ContainerEvents {
    return new ContainerEvents(this.options.events, pod);
  }

  async #start(key: string, pod: KubeObject): Promise<void> {
    const unbound = this.#unboundClaim(pod);
    if (unbound !== undefined) {
      const message = `persistentvolumeclaim "${unbound}" is not bound`;
      this.#reports.report(pod, { phase: 'Pending', unschedulable: message });
      return;
    }
    const lives = this.#livesOf(pod);
    if (lives.waitMs > 0) {
      this.#queue.addLater(key, lives.waitMs);
      return;
    }
    try {
      const runtime = await this.#starts.take(async () =>
        this.#closing ? undefined : PodRuntime.start(this.#runtimeOptions(pod)),
      );
      if (runtime === undefined) return;
      this.#runtimes.set(key, runtime);
      lives.begin();
      this.#eventsOf(pod).started();
      this.#eventsOf(pod).notRun(probesNotRun(list(pod, 'spec', 'containers')[0]));
      runtime.watch();
    } catch (error) {
      const missing = error instanceof MissingReferenceError;
      const reason = missing ? 'CreateContainerConfigError' : 'RunContainerError';
      this.#reports.report(pod, { phase: 'Pending', waiting: { reason, message: messageOf(error) } });
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
    const { store, home, ports, engineId, scripts, path, isolation, agent, log } = this.options;
    const { namespace, name, uid } = pod.metadata;
    const fall = (fallen: Fallen): void => {
      this.#fallen.set(uid, fallen);
      this.#queue.add(keyOfName(namespace, name));
    };
    return {
      pod,
      places: { volumes: join(home, 'volumes'), pod: join(home, 'pods', uid) },
      lookup: lookupIn(store, namespace),
      ports,
      service: servicePortIn(store, namespace),
      log,
      engineId,
      scripts,
      path,
      isolation,
      agent,
      onPrepare: (said: Said) => {
        this.#eventsOf(pod).preparing(said);
      },
      onLost: (loss: Loss) => {
        fall(loss);
      },
      health: {
        onChange: ({ started, ready }: Health) => {
          this.#reports.report(pod, { phase: 'Running', started, ready, ...this.#livesOf(pod).told });
        },
        onUnhealthy: (kind: ProbeKind, message: string) => {
          this.#eventsOf(pod).unhealthy(kind, message);
        },
        onFailed: (probe: Probe, message: string) => {
          const why = whyGivenUp(probe, message);
          this.#eventsOf(pod).failed(probe.kind);
          fall({ exitCode: TERMINATED, output: why, why, graceSeconds: probe.graceSeconds });
        },
      },
    };
  }
}

const messageOf = (error: unknown): string =>
  fullDisk(error) ?? (error instanceof Error ? error.message : 'unknown error');
