import type { Probe, ProbeKind } from '../probes/index.js';
import { list, text, type KubeObject } from '../store/object.js';
import type { EventRecorder } from './events.js';
import type { Said } from './workspace-preparation.js';

/** What happens to a pod's container, in the kubelet's words: people and tools look for those. */
export class ContainerEvents {
  readonly #container: string;

  constructor(
    private readonly events: EventRecorder,
    private readonly pod: KubeObject,
  ) {
    this.#container = text(list(pod, 'spec', 'containers')[0], 'name') ?? 'container';
  }

  started(): void {
    this.events.note(this.pod, 'Started', `Started container ${this.#container}`);
  }

  /** The workspace, at the start of a sandbox. */
  preparing({ failed, message }: Said): void {
    if (failed) this.events.warn(this.pod, 'FailedPreparing', message);
    else this.events.note(this.pod, 'Preparing', message);
  }

  stopping(): void {
    this.events.note(this.pod, 'Killing', `Stopping container ${this.#container}`);
  }

  unhealthy(kind: ProbeKind, message: string): void {
    this.events.warn(this.pod, 'Unhealthy', `${capital(kind)} probe failed: ${message}`);
  }

  /** A probe gave it up. */
  failed(kind: ProbeKind): void {
    this.events.note(
      this.pod,
      'Killing',
      `Container ${this.#container} failed ${kind} probe, will be restarted`,
    );
  }

  backOff(): void {
    const { name, namespace = '', uid } = this.pod.metadata;
    this.events.warn(
      this.pod,
      'BackOff',
      `Back-off restarting failed container ${this.#container} in pod ${name}_${namespace}(${uid})`,
    );
  }

  notRun(kinds: readonly ProbeKind[]): void {
    for (const kind of kinds)
      this.events.warn(
        this.pod,
        'ProbeWarning',
        `The ${kind} probe is not run: the local engine knows tcpSocket, httpGet and exec.`,
      );
  }
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** What a person reads who asks why it was ended. */
export function whyGivenUp({ kind, check }: Probe, message: string): string {
  if (check.type !== 'tcp') return `Its ${kind} probe failed: ${message}.`;
  const port = String(check.port);
  return kind === 'startup'
    ? `Nothing listened at port ${port} in time.`
    : `Nothing listens at port ${port} any more.`;
}
