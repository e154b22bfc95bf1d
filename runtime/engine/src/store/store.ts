import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  at,
  keyOf,
  refOf,
  type Json,
  type KubeObject,
  type Manifest,
  type ObjectMeta,
  type ObjectRef,
} from './object.js';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly type: ChangeType;
  readonly object: KubeObject;
  /** What the object was: a watch by labels or fields tells from it whether the object came, changed or left. */
  readonly before?: KubeObject;
  readonly version: number;
}

export interface StoreOptions {
  readonly now: () => Date;
  /** How many changes a watch may be behind before it has to list again (410 Gone). */
  readonly historyLength?: number;
}

/**
 * The engine's objects, in memory: everything here can be made again from git and from what runs. Listeners are called
 * at once and in order, so a change and what it brings about are seen in one order by everybody.
 */
export class Store {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #history: Change[] = [];
  #version: number;

  /** Versions go on from the time of the start, so that a client of an earlier life is told to list again. */
  constructor(private readonly options: StoreOptions) {
    this.#version = options.now().getTime();
  }

  get version(): number {
    return this.#version;
  }

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#objects.get(ref.kind)?.get(keyOf(ref));
  }

  list(kind: string, namespace?: string): readonly KubeObject[] {
    const all = [...(this.#objects.get(kind)?.values() ?? [])];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /**
   * Makes the object be what the manifest says. Status, identity and the time of creation stay; `generation` counts
   * changes of anything but metadata. Applying the same twice changes nothing and tells nobody.
   */
  apply(manifest: Manifest): KubeObject {
    const before = this.get(refOf(manifest));
    const { metadata } = manifest;
    const content = contentOf(manifest);
    if (before === undefined) return this.#create(metadata, content);
    const changed = !isDeepStrictEqual(contentOf(before), content);
    const meta: ObjectMeta = {
      ...identityOf(before.metadata),
      ...optional({ labels: metadata.labels, annotations: metadata.annotations }),
      ...optional({ ownerReferences: metadata.ownerReferences ?? before.metadata.ownerReferences }),
      generation: (before.metadata.generation ?? 1) + (changed ? 1 : 0),
    };
    if (!changed && isDeepStrictEqual(before.metadata, meta)) return before;
    return this.#put('MODIFIED', { ...content, ...statusOf(before), metadata: meta } as KubeObject);
  }

  /** Replaces the status; nothing happens where it is the same. */
  setStatus(ref: ObjectRef, status: Json): void {
    const before = this.get(ref);
    if (before === undefined || isDeepStrictEqual(before['status'], status)) return;
    this.#put('MODIFIED', { ...before, status });
  }

  /** Asks for an end: whoever runs the object sees the time, ends it and then removes it. */
  markDeleted(ref: ObjectRef, graceSeconds: number): KubeObject | undefined {
    const before = this.get(ref);
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return before;
    return this.#put('MODIFIED', {
      ...before,
      metadata: {
        ...before.metadata,
        deletionTimestamp: this.#instant(),
        deletionGracePeriodSeconds: graceSeconds,
      },
    });
  }

  remove(ref: ObjectRef): void {
    const before = this.get(ref);
    if (before === undefined) return;
    this.#objects.get(ref.kind)?.delete(keyOf(ref));
    this.#tell('DELETED', before, before);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes after `version`, or undefined where the store no longer remembers that far back. */
  since(version: number): readonly Change[] | undefined {
    if (version >= this.#version) return version === this.#version ? [] : undefined;
    const first = this.#history[0];
    if (first === undefined || first.version > version + 1) return undefined;
    return this.#history.filter((change) => change.version > version);
  }

  #create(metadata: Manifest['metadata'], content: Json): KubeObject {
    const { name, namespace, labels, annotations, ownerReferences } = metadata;
    const meta: ObjectMeta = {
      name,
      ...optional({ namespace }),
      uid: randomUUID(),
      resourceVersion: '',
      generation: 1,
      creationTimestamp: this.#instant(),
      ...optional({ labels, annotations, ownerReferences }),
    };
    return this.#put('ADDED', { ...content, metadata: meta } as KubeObject);
  }

  #put(type: ChangeType, object: KubeObject): KubeObject {
    const { apiVersion, kind, metadata, ...rest } = object;
    const stored = {
      apiVersion,
      kind,
      metadata: { ...metadata, resourceVersion: String(this.#version + 1) },
      ...rest,
    } as KubeObject;
    const ofKind = this.#objects.get(kind) ?? new Map<string, KubeObject>();
    this.#objects.set(kind, ofKind);
    const key = keyOf({ kind, namespace: metadata.namespace, name: metadata.name });
    const before = ofKind.get(key);
    ofKind.set(key, stored);
    return this.#tell(type, stored, before);
  }

  #tell(type: ChangeType, object: KubeObject, before: KubeObject | undefined): KubeObject {
    this.#version += 1;
    const version = this.#version;
    const told =
      type === 'DELETED'
        ? { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
        : object;
    const change: Change = { type, object: told, version, ...optional({ before }) };
    this.#history.push(change);
    if (this.#history.length > (this.options.historyLength ?? 5000)) this.#history.shift();
    for (const listener of [...this.#listeners]) listener(change);
    return told;
  }

  #instant(): string {
    return this.options
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
  }
}

const contentOf = (object: Manifest | KubeObject): Json =>
  Object.fromEntries(Object.entries(object).filter(([field]) => field !== 'metadata' && field !== 'status'));

/** What no manifest sets. */
const identityOf = (meta: ObjectMeta): ObjectMeta => ({
  name: meta.name,
  ...optional({ namespace: meta.namespace }),
  uid: meta.uid,
  resourceVersion: meta.resourceVersion,
  creationTimestamp: meta.creationTimestamp,
  ...optional({
    deletionTimestamp: meta.deletionTimestamp,
    deletionGracePeriodSeconds: meta.deletionGracePeriodSeconds,
  }),
});

const statusOf = (object: KubeObject): Json =>
  at(object, 'status') === undefined ? {} : { status: object['status'] };

/** Drops what is undefined: JSON has no such thing, and two ways of saying nothing would differ. */
function optional<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
