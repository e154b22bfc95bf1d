import type { Logger } from 'pino';
import { at, list, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { keyOfName, nameOfKey, type WorkloadController } from './controller.js';
import { KeyedQueue } from './keyed-queue.js';

/**
 * EndpointSlice to Endpoints, as a cluster mirrors them: kubectl up to 1.30 describes a Service by these, and people have
 * `kubectl get ep` in their fingers.
 */
export class OlderEndpoints implements WorkloadController {
  readonly #queue: KeyedQueue;

  constructor(
    private readonly store: Store,
    log: Pick<Logger, 'error'>,
  ) {
    this.#queue = new KeyedQueue({ name: 'older endpoints', log, handle: (key) => this.#reconcile(key) });
  }

  onChange({ object: { kind, metadata } }: Change): void {
    if (kind === 'EndpointSlice') this.#queue.add(keyOfName(metadata.namespace, metadata.name));
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #reconcile(key: string): Promise<void> {
    const { namespace, name } = nameOfKey(key);
    const slice = this.store.get({ kind: 'EndpointSlice', namespace, name });
    if (slice === undefined) this.store.remove({ kind: 'Endpoints', namespace, name });
    else
      this.store.apply({
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name, namespace },
        subsets: subsetsOf(slice),
      });
    return Promise.resolve();
  }
}

function subsetsOf(slice: KubeObject): readonly object[] {
  const endpoints = list(slice, 'endpoints');
  const ports = list(slice, 'ports');
  if (endpoints.length === 0 || ports.length === 0) return [];
  const isReady = (endpoint: unknown): boolean => at(endpoint, 'conditions', 'ready') !== false;
  const addresses = (wanted: boolean): readonly object[] =>
    endpoints.filter((endpoint) => isReady(endpoint) === wanted).flatMap(addressesOf);
  const parts = { addresses: addresses(true), notReadyAddresses: addresses(false) };
  const filled = Object.entries(parts).filter(([, found]) => found.length > 0);
  return [{ ...Object.fromEntries(filled), ports }];
}

const addressesOf = (endpoint: unknown): readonly object[] =>
  list(endpoint, 'addresses').map((ip) => {
    const [targetRef, nodeName] = [at(endpoint, 'targetRef'), at(endpoint, 'nodeName')];
    return {
      ip,
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(targetRef === undefined ? {} : { targetRef }),
    };
  });
