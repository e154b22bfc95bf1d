import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { removeFolder } from '../files/durable.js';
import { record } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';

/** Where a claim's files are. */
export const volumeFolder = (root: string, namespace: string, name: string): string =>
  join(root, namespace, name);

/**
 * A PersistentVolumeClaim is a folder. It is deleted only with the object itself: a claim that is merely gone from a
 * folder of the branch is kept by its prune protection, and a restart of the engine deletes nothing.
 */
export class VolumeController implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    private readonly root: string,
    private readonly log: Pick<Logger, 'error' | 'warn'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'volumes', log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ type, object }: Change): void {
    if (object.kind !== 'PersistentVolumeClaim') return;
    const { namespace, name } = object.metadata;
    if (type === 'DELETED') void this.#remove(namespace ?? '', name);
    else this.#queue.add(keyOfName(namespace, name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #reconcile(key: string): Promise<void> {
    const ref = { kind: 'PersistentVolumeClaim', ...nameOfKey(key) };
    const claim = this.store.get(ref);
    if (claim === undefined) return;
    await mkdir(volumeFolder(this.root, ref.namespace, ref.name), { recursive: true, mode: 0o700 });
    this.store.setStatus(ref, {
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: record(claim, 'spec', 'resources', 'requests'),
    });
  }

  async #remove(namespace: string, name: string): Promise<void> {
    this.log.warn({ namespace, name }, 'the claim was deleted, and its files with it');
    try {
      await removeFolder(volumeFolder(this.root, namespace, name));
    } catch (error) {
      this.log.error({ err: error, namespace, name }, 'the files of a deleted claim could not be removed');
    }
  }
}
