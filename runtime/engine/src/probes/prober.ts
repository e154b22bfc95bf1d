import type { Outcome } from './attempt.js';
import type { Probe } from './spec.js';

export interface ProberOptions {
  readonly probe: Probe;
  readonly attempt: () => Promise<Outcome>;
  /** As many in a row as its threshold asks for said the same; again with each further one. */
  readonly onResult: (success: boolean, message: string) => void;
  /** One attempt failed; it counts towards the threshold. */
  readonly onFailure: (message: string) => void;
}

const FIRST_GLANCE_MS = 100;
const GLANCE_GROWTH = 1.5;

/**
 * One probe, asked again and again: never twice at once, and by the monotonic clock, so that a clock that was set and a
 * machine that slept add no failure.
 *
 * While a container starts, somebody waits for it. Between the attempts of a startup probe that only connects it is
 * looked at more often, ever more rarely; a failure there does not count, so the manifest's patience stays what it is.
 */
export class Prober {
  readonly #glances: boolean;
  #glanceMs = FIRST_GLANCE_MS;
  #timer: NodeJS.Timeout | undefined;
  /** When the next attempt that counts is. */
  #due = 0;
  #inARow = 0;
  #last: boolean | undefined;
  #stopped = false;

  constructor(private readonly options: ProberOptions) {
    const { kind, check } = options.probe;
    this.#glances = kind === 'startup' && check.type === 'tcp';
  }

  /** `containerStartedAt`: by `performance.now()`. */
  start(containerStartedAt: number): void {
    this.#due = Math.max(performance.now(), containerStartedAt + this.options.probe.initialDelayMs);
    this.#plan(true);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #plan(counts: boolean): void {
    const delayMs = counts ? this.#due - performance.now() : this.#glanceMs;
    this.#timer = setTimeout(() => void this.#look(counts), Math.max(0, delayMs));
  }

  async #look(counts: boolean): Promise<void> {
    const { periodMs } = this.options.probe;
    const begun = performance.now();
    const outcome = await this.#ask();
    if (this.#stopped) return;
    if (counts) {
      // An attempt that takes longer than the period costs the ones it overlaps.
      const took = performance.now() - begun;
      this.#due = begun + periodMs * (Math.floor(took / periodMs) + 1);
    } else this.#glanceMs *= GLANCE_GROWTH;
    if (counts || outcome.result === 'success') this.#take(outcome);
    if (!this.#isStopped()) this.#plan(!this.#glances || this.#due - performance.now() <= this.#glanceMs);
  }

  /** Whoever was told of the result may have stopped it. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  async #ask(): Promise<Outcome> {
    try {
      return await this.options.attempt();
    } catch (error) {
      return { result: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  }

  #take({ result, message }: Outcome): void {
    if (result === 'unknown') return;
    const { probe, onResult, onFailure } = this.options;
    const success = result === 'success';
    this.#inARow = success === this.#last ? this.#inARow + 1 : 1;
    this.#last = success;
    if (!success) onFailure(message);
    const threshold = success ? probe.successThreshold : probe.failureThreshold;
    if (this.#inARow >= threshold) onResult(success, message);
  }
}
