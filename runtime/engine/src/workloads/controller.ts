import type { Change } from '../store/store.js';

/** One kind's controller: told of every change, it decides what of its own has to be looked at again. */
export interface WorkloadController {
  onChange(change: Change): void;
  /** Resolves when nothing is being handled any more. */
  close(): Promise<void>;
}

/** A status was written, nothing else: whoever wrote it need not look again. */
export const isReport = ({ type, object, before }: Change): boolean =>
  type === 'MODIFIED' && before !== undefined && before['status'] !== object['status'];

/** `<namespace>/<name>`: Kubernetes names contain no slash. */
export const keyOfName = (namespace: string | undefined, name: string): string =>
  `${namespace ?? ''}/${name}`;

export function nameOfKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
