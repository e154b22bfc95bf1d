import { list, number, record, text } from '../store/object.js';
import type { Store } from '../store/store.js';
import type { Lookup } from './pod-env.js';

/** The ConfigMaps and Secrets of a namespace, decoded. */
export const lookupIn =
  (store: Store, namespace: string | undefined): Lookup =>
  (kind, name) => {
    const object = store.get({ kind, namespace, name });
    if (object === undefined) return undefined;
    const entries = Object.entries(record(object, 'data')).map(([key, value]): [string, string] => [
      key,
      kind === 'Secret' ? Buffer.from(String(value), 'base64').toString('utf8') : String(value),
    ]);
    return new Map(entries);
  };

/** The port of this machine where a Service of a namespace answers. */
export const servicePortIn =
  (store: Store, namespace: string | undefined) =>
  (name: string, port: number): number | undefined => {
    const service = store.get({ kind: 'Service', namespace, name });
    const declared = list(service, 'spec', 'ports').find((entry) => number(entry, 'port') === port);
    const slice = store
      .list('EndpointSlice', namespace)
      .find(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
    const entry = list(slice, 'ports').find((found) => text(found, 'name') === text(declared, 'name'));
    return number(entry, 'port');
  };
