import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { removeFolder } from '../files/durable.js';
import { list, record, text, type KubeObject, type ObjectRef } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';

/** RFC 1123: one step of a path, and never `..` or what `removeFolder` leaves behind. */
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A name from a manifest that becomes the name of a folder. Throws for anything but a DNS label. */
export function folderName(name: string): string {
  if (!DNS_LABEL.test(name)) throw new Error(`${JSON.stringify(name)} is not a name of a volume.`);
  return name;
}

/** Where a claim's files are. Throws where the names are no names of folders. */
export const volumeFolder = (root: string, namespace: string, name: string): string =>
  join(root, folderName(namespace), folderName(name));

/** Ends deletions that a crash cut off. What is no folder is somebody else's, and no reason not to start. */
export async function finishVolumeRemovals(root: string, log: Pick<Logger, 'warn'>): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const folder = join(root, entry.name);
    if (!entry.isDirectory()) {
      log.warn({ path: folder }, 'this is not a folder of volumes and is left alone');
      continue;
    }
    for (const name of await readdir(folder))
      if (name.endsWith('.gone')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * A PersistentVolumeClaim is a folder. It is deleted only where the object itself is to be: a claim that is merely gone
 * from a folder of the branch is kept by its prune protection, and a restart of the engine deletes nothing. As on a
 * cluster, a claim that is to be deleted stays until the last pod that uses it is gone.
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
    const { namespace, name } = object.metadata;
    if (object.kind === 'Pod' && type === 'DELETED')
      for (const claim of claimsOf(object)) this.#queue.add(keyOfName(namespace, claim));
    if (object.kind === 'PersistentVolumeClaim' && type !== 'DELETED')
      this.#queue.add(keyOfName(namespace, name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #reconcile(key: string): Promise<void> {
    const ref = { kind: 'PersistentVolumeClaim', ...nameOfKey(key) };
    const claim = this.store.get(ref);
    if (claim === undefined) return;
    if (!DNS_LABEL.test(ref.name)) {
      this.#refuse(ref, claim);
      return;
    }
    if (claim.metadata.deletionTimestamp !== undefined) {
      await this.#remove(ref);
      return;
    }
    await mkdir(volumeFolder(this.root, ref.namespace, ref.name), { recursive: true, mode: 0o700 });
    this.store.setStatus(ref, {
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: record(claim, 'spec', 'resources', 'requests'),
    });
  }

  /** It never gets a folder, so that there is nothing to delete either. */
  #refuse(ref: ObjectRef, claim: KubeObject): void {
    if (claim.metadata.deletionTimestamp !== undefined) this.store.remove(ref);
    else if (text(claim, 'status', 'phase') === undefined) {
      this.log.warn({ ref }, 'the name of this claim is not a DNS label: it gets no volume');
      this.store.setStatus(ref, { phase: 'Pending' });
    }
  }

  async #remove(ref: { kind: string; namespace: string; name: string }): Promise<void> {
    const { namespace, name } = ref;
    const inUse = this.store.list('Pod', namespace).some((pod) => claimsOf(pod).includes(name));
    if (inUse) return;
    await removeFolder(volumeFolder(this.root, namespace, name));
    this.log.warn({ namespace, name }, 'the claim was deleted, and its files with it');
    this.store.remove(ref);
  }
}

const claimsOf = (pod: KubeObject): readonly string[] =>
  list(pod, 'spec', 'volumes').flatMap((volume) => text(volume, 'persistentVolumeClaim', 'claimName') ?? []);
