import { attempt, type Reach } from './attempt.js';
import { Prober } from './prober.js';
import type { Probe, ProbeKind, Probes } from './spec.js';

export interface HealthOptions {
  readonly probes: Probes;
  readonly reach: Reach;
  /** `started` or `ready` is another. */
  readonly onChange: () => void;
  /** An attempt failed. */
  readonly onUnhealthy: (kind: ProbeKind, message: string) => void;
  /** It is given up: whoever runs it ends it and starts another. Said once, and nothing is asked after it. */
  readonly onFailed: (probe: Probe, message: string) => void;
}

/**
 * How one life of a container is, by its manifest's probes and as the kubelet sees it: the startup probe comes first and
 * alone; the readiness probe says whether it is sent anything; the liveness probe whether it is to be started again.
 */
export class Health {
  #started = false;
  #ready = false;
  #startedAt = 0;
  #over = false;
  readonly #probers: Prober[] = [];

  constructor(private readonly options: HealthOptions) {}

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The container's process has just begun. */
  start(): void {
    this.#startedAt = performance.now();
    const { startup } = this.options.probes;
    if (startup === undefined) {
      this.#begin();
      return;
    }
    const prober = this.#prober(startup, (success, message) => {
      if (!success) this.#fail(startup, message);
      else {
        prober.stop();
        this.#begin();
      }
    });
    prober.start(this.#startedAt);
    this.options.onChange();
  }

  /** It ends, or has ended. */
  stop(): void {
    this.#over = true;
    this.#ready = false;
    for (const prober of this.#probers) prober.stop();
  }

  #begin(): void {
    const { readiness, liveness } = this.options.probes;
    this.#started = true;
    this.#ready = readiness === undefined;
    if (readiness !== undefined)
      this.#prober(readiness, (success) => {
        if (success === this.#ready) return;
        this.#ready = success;
        this.options.onChange();
      }).start(this.#startedAt);
    if (liveness !== undefined)
      this.#prober(liveness, (success, message) => {
        if (!success) this.#fail(liveness, message);
      }).start(this.#startedAt);
    this.options.onChange();
  }

  #prober(probe: Probe, onResult: (success: boolean, message: string) => void): Prober {
    const { reach, onUnhealthy } = this.options;
    const prober = new Prober({
      probe,
      onResult,
      attempt: () => attempt(probe.check, reach, probe.timeoutMs),
      onFailure: (message) => {
        onUnhealthy(probe.kind, message);
      },
    });
    this.#probers.push(prober);
    return prober;
  }

  #fail(probe: Probe, message: string): void {
    if (this.#over) return;
    const wasReady = this.#ready;
    this.stop();
    if (wasReady) this.options.onChange();
    this.options.onFailed(probe, message);
  }
}
