import type { Logger } from 'pino';
import { record, text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { isReport, keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';
import { labelOf, UnsealError, type Unsealer } from './unseal.js';

/** SealedSecret to Secret, with the engine's own key. */
export class SealedSecretController implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    private readonly unsealer: Unsealer,
    log: Pick<Logger, 'error'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'sealed-secrets', log, handle: (key) => this.#reconcile(key) });
  }

  onChange(change: Change): void {
    const { type, object } = change;
    if (object.kind !== 'SealedSecret' || isReport(change)) return;
    const { namespace, name } = object.metadata;
    if (type === 'DELETED') this.store.remove({ kind: 'Secret', namespace, name });
    else this.#queue.add(keyOfName(namespace, name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #reconcile(key: string): Promise<void> {
    const ref = { kind: 'SealedSecret', ...nameOfKey(key) };
    const sealed = this.store.get(ref);
    if (sealed === undefined) return;
    try {
      const data = await this.#unseal(sealed);
      this.store.apply(secretOf(sealed, data));
      this.#report(sealed, { status: 'True', message: '' });
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      this.#report(sealed, { status: 'False', message: error.message });
    }
  }

  async #unseal(sealed: KubeObject): Promise<Record<string, string>> {
    const label = labelOf(sealed);
    const entries = Object.entries(record(sealed, 'spec', 'encryptedData'));
    const opened = await Promise.all(
      entries.map(
        async ([name, value]) => [name, await this.unsealer.open(String(value), { label, name })] as const,
      ),
    );
    return Object.fromEntries(opened.map(([name, value]) => [name, value.toString('base64')]));
  }

  #report(sealed: KubeObject, { status, message }: { status: string; message: string }): void {
    this.store.setStatus(
      { kind: 'SealedSecret', namespace: sealed.metadata.namespace, name: sealed.metadata.name },
      {
        observedGeneration: sealed.metadata.generation ?? 1,
        conditions: [
          { type: 'Synced', status, ...(message === '' ? {} : { reason: 'UnsealFailed', message }) },
        ],
      },
    );
  }
}

function secretOf(sealed: KubeObject, data: Record<string, string>) {
  const { name, namespace, uid } = sealed.metadata;
  const template = record(sealed, 'spec', 'template');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: record(template, 'metadata', 'labels') as Record<string, string>,
      annotations: record(template, 'metadata', 'annotations') as Record<string, string>,
      ownerReferences: [{ apiVersion: sealed.apiVersion, kind: sealed.kind, name, uid, controller: true }],
    },
    type: text(template, 'type') ?? 'Opaque',
    data,
  };
}
