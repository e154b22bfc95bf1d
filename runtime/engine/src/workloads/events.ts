import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';

const KEPT = 200;

/** Events about objects, as `kubectl describe` shows them. The oldest go when there are too many. */
export class EventRecorder {
  readonly #names: { namespace: string | undefined; name: string }[] = [];

  constructor(
    private readonly store: Store,
    private readonly now: () => Date,
  ) {}

  note(about: KubeObject, reason: string, message: string): void {
    this.#record(about, { type: 'Normal', reason, message });
  }

  warn(about: KubeObject, reason: string, message: string): void {
    this.#record(about, { type: 'Warning', reason, message });
  }

  #record(about: KubeObject, event: { type: string; reason: string; message: string }): void {
    const { namespace, name, uid } = about.metadata;
    const at = this.now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const eventName = `${name}.${randomBytes(8).toString('hex')}`;
    this.store.apply({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, ...(namespace === undefined ? {} : { namespace }) },
      ...event,
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
      source: { component: 'fullstackagent-engine' },
    });
    this.#names.push({ namespace, name: eventName });
    const oldest = this.#names.length > KEPT ? this.#names.shift() : undefined;
    if (oldest !== undefined) this.store.remove({ kind: 'Event', ...oldest });
  }
}
