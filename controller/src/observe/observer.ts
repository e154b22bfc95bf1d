import type { Freshness } from '../contract/status.js';
import type { ObservedObjects } from '../model/facts.js';
import type { ProjectKey } from '../model/intent.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';
import { nameOf, ProjectIndex } from './index-by-project.js';
import { Reflector, type Timing } from './reflector.js';
import type { WatchedResource } from './resources.js';

export interface ObserverOptions extends Timing {
  readonly api: KubeApi;
  readonly resources: readonly WatchedResource[];
  /** How often the server is asked whether it is there, and everything's freshness is published. */
  readonly intervalMs: number;
  readonly onOutage: (error: unknown) => void;
  readonly onRecovery: () => void;
}

/** Changes within this time are published together: an applied project is a burst of events. */
const GATHER_MS = 50;

/**
 * The cluster's facts by project. Changes are published at once (gathered for a moment), and every interval a tick
 * says that time has passed and how fresh everything is (ADR 0005).
 */
export class ClusterObserver {
  readonly #index = new ProjectIndex();
  readonly #reflectors: readonly Reflector[];
  readonly #outOfTouch = new Set<WatchedResource>();
  readonly #unlisted: Set<WatchedResource>;
  readonly #changeListeners = new Set<(keys: readonly ProjectKey[]) => void>();
  readonly #tickListeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #dirty = new Map<string, ProjectKey>();
  #gather: NodeJS.Timeout | undefined;
  #healthy = false;
  #epoch = 0;
  #outageTold = false;
  #lastInTouch: Date | undefined;

  constructor(private readonly options: ObserverOptions) {
    this.#unlisted = new Set(options.resources);
    this.#reflectors = options.resources.map((resource) => this.#reflectorOf(resource));
  }

  /** Runs until {@link stop}; never rejects. */
  async run(): Promise<void> {
    await Promise.all([...this.#reflectors.map((reflector) => reflector.run()), this.#beat()]);
  }

  stop(): void {
    this.#abort.abort();
    for (const reflector of this.#reflectors) reflector.stop();
    clearTimeout(this.#gather);
  }

  observed(key: ProjectKey): ObservedObjects {
    return this.#index.observed(key);
  }

  freshness(): Freshness {
    if (this.#unlisted.size > 0) return this.#lastInTouch === undefined ? { state: 'never' } : this.#stale();
    return this.#isInTouch() ? { state: 'fresh' } : this.#stale();
  }

  onChange(listener: (keys: readonly ProjectKey[]) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onTick(listener: () => void): () => void {
    this.#tickListeners.add(listener);
    return () => this.#tickListeners.delete(listener);
  }

  #stale(): Freshness {
    const since = this.#lastInTouch ?? this.options.now();
    return {
      state: 'stale',
      ageSeconds: Math.max(0, Math.round((this.options.now().getTime() - since.getTime()) / 1000)),
    };
  }

  #isInTouch(): boolean {
    return this.#healthy && this.#outOfTouch.size === 0 && this.#unlisted.size === 0;
  }

  #reflectorOf(resource: WatchedResource): Reflector {
    return new Reflector(this.options.api, resource, {
      sleep: this.options.sleep,
      random: this.options.random,
      now: this.options.now,
      onList: (objects) => {
        this.#mark(this.#index.replace(resource, objects));
        this.#contact(() => this.#unlisted.delete(resource));
      },
      onPut: (object) => this.#mark([this.#index.put(resource, object)]),
      onRemove: (object) => this.#mark([this.#index.remove(resource.kind, nameOf(object))]),
      onContact: (inTouch, error) => {
        this.#contact(() => {
          if (inTouch) this.#outOfTouch.delete(resource);
          else this.#outOfTouch.add(resource);
        }, error);
      },
    });
  }

  /** A change of what is in touch. An outage is told once, with what was wrong first, and so is its end. */
  #contact(change: () => void, error?: unknown): void {
    const before = this.#isInTouch();
    change();
    const after = this.#isInTouch();
    if (after) this.#lastInTouch = this.options.now();
    if (after && !before) this.options.onRecovery();
    if (after) this.#outageTold = false;
    if (!after && !this.#outageTold && error !== undefined) {
      this.#outageTold = true;
      this.options.onOutage(error);
    }
    if (before !== after) this.#tick();
  }

  async #beat(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const error = await this.#health();
      const back = error === undefined && !this.#healthy;
      this.#contact(() => {
        this.#healthy = error === undefined;
      }, error);
      if (this.#isAnotherServer()) for (const reflector of this.#reflectors) reflector.relist();
      else if (back) for (const reflector of this.#reflectors) reflector.wake();
      this.#tick();
      await this.options.sleep(this.options.intervalMs, signal);
    }
  }

  /** A local engine that came back has a store of its own, with versions that mean something else. */
  #isAnotherServer(): boolean {
    const { epoch } = this.options.api;
    const another = this.#epoch !== 0 && epoch !== this.#epoch;
    this.#epoch = epoch;
    return another;
  }

  /** Undefined where the server answers; being asked for credentials or to come back later is not an answer. */
  async #health(): Promise<unknown> {
    try {
      await this.options.api.get('/version');
      return undefined;
    } catch (error) {
      return error instanceof KubeError && error.status === 404 ? undefined : error;
    }
  }

  #mark(keys: readonly (ProjectKey | undefined)[]): void {
    for (const key of keys) if (key !== undefined) this.#dirty.set(`${key.namespace}/${key.name}`, key);
    if (this.#dirty.size === 0) return;
    this.#gather ??= setTimeout(() => {
      this.#publish();
    }, GATHER_MS);
  }

  #publish(): void {
    const keys = [...this.#dirty.values()];
    this.#dirty = new Map();
    this.#gather = undefined;
    for (const listener of this.#changeListeners) listener(keys);
  }

  #tick(): void {
    for (const listener of this.#tickListeners) listener();
  }
}
