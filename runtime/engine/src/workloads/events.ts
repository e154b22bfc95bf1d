import { randomBytes } from 'node:crypto';
import { number, text, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Store } from '../store/store.js';

const KEPT = 200;

/** Events about objects, as `kubectl describe` shows them. The oldest go when there are too many. */
export class EventRecorder {
  /** The oldest first; by what makes two of them the same. */
  readonly #kept = new Map<string, ObjectRef>();

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

  /** What happens again is the same event, and counted: a probe can fail for hours. */
  #record(about: KubeObject, event: { type: string; reason: string; message: string }): void {
    const { namespace, name, uid } = about.metadata;
    const key = JSON.stringify([about.kind, uid, event]);
    const known = this.#kept.get(key);
    const before = known && this.store.get(known);
    const at = this.now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const ref: ObjectRef =
      before === undefined
        ? { kind: 'Event', namespace, name: `${name}.${randomBytes(8).toString('hex')}` }
        : { kind: 'Event', namespace, name: before.metadata.name };
    this.#kept.delete(key);
    this.#kept.set(key, ref);
    this.store.apply({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: ref.name, ...(namespace === undefined ? {} : { namespace }) },
      ...event,
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid },
      firstTimestamp: text(before, 'firstTimestamp') ?? at,
      lastTimestamp: at,
      count: (number(before, 'count') ?? 0) + 1,
      source: { component: 'fullstackagent-engine' },
    });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept;
    if (this.#kept.size <= KEPT || oldest === undefined) return;
    this.#kept.delete(oldest[0]);
    this.store.remove(oldest[1]);
  }
}
