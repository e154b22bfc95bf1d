import { list, record, text } from '../store/object.js';

/** A ConfigMap's or a Secret's values, decoded. Undefined where there is no such object. */
export type Lookup = (kind: 'ConfigMap' | 'Secret', name: string) => ReadonlyMap<string, string> | undefined;

/** A variable that cannot be had yet: the kubelet calls this CreateContainerConfigError, and tries again. */
export class MissingReferenceError extends Error {
  override readonly name = 'MissingReferenceError';
}

/**
 * A container's environment: `envFrom` first, then `env` in order, `$(NAME)` replaced by what stands before it.
 * Throws MissingReferenceError for an object or a key that is not there and not optional.
 */
export function containerEnvironment(container: unknown, lookup: Lookup): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const source of list(container, 'envFrom'))
    for (const [name, value] of fromSource(source, lookup)) variables.set(name, value);
  for (const entry of list(container, 'env')) {
    const name = text(entry, 'name') ?? '';
    const value = valueOf(entry, variables, lookup);
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}

function fromSource(source: unknown, lookup: Lookup): ReadonlyMap<string, string> {
  const kind = record(source)['secretRef'] === undefined ? 'ConfigMap' : 'Secret';
  const reference = record(source, kind === 'Secret' ? 'secretRef' : 'configMapRef');
  const name = text(reference, 'name') ?? '';
  const found = lookup(kind, name);
  if (found === undefined && reference['optional'] !== true)
    throw new MissingReferenceError(`${kind.toLowerCase()} "${name}" not found`);
  return found ?? new Map();
}

function valueOf(entry: unknown, before: ReadonlyMap<string, string>, lookup: Lookup): string | undefined {
  const literal = text(entry, 'value');
  if (literal !== undefined) return expand(literal, before);
  for (const [field, kind] of [
    ['secretKeyRef', 'Secret'],
    ['configMapKeyRef', 'ConfigMap'],
  ] as const) {
    const reference = record(entry, 'valueFrom', field);
    if (reference['name'] === undefined) continue;
    const name = text(reference, 'name') ?? '';
    const value = lookup(kind, name)?.get(text(reference, 'key') ?? '');
    if (value !== undefined || reference['optional'] === true) return value;
    throw new MissingReferenceError(
      `${kind.toLowerCase()} "${name}" has no key "${text(reference, 'key') ?? ''}" yet`,
    );
  }
  return '';
}

/** Kubernetes' expansion: `$(NAME)` of a known variable, `$$` for a dollar, anything else as it stands. */
export const expand = (value: string, variables: ReadonlyMap<string, string>): string =>
  value.replace(/\$(?:\$|\(([^()]*)\))/g, (match, name: string | undefined) =>
    match === '$$' ? '$' : (variables.get(name ?? '') ?? match),
  );

export interface Translation {
  /** Container port -> port of this machine. */
  readonly ports: ReadonlyMap<number, number>;
  /** Folder in the container -> folder of this machine. */
  readonly mounts: ReadonlyMap<string, string>;
  /** Port of this machine where `<service>:<port>` of this namespace answers. */
  readonly service: (service: string, port: number) => number | undefined;
  readonly namespace: string;
}

/**
 * Without namespaces of its own a pod sees this machine as it is, so what names the pod's world is translated: its
 * ports (in `PORT`), Services' host names, and folders it has mounted. Only for what the platform writes; a user's
 * value is never touched.
 */
export function translate(
  variables: ReadonlyMap<string, string>,
  translation: Translation,
): ReadonlyMap<string, string> {
  return new Map([...variables].map(([name, value]) => [name, translated(name, value, translation)]));
}

function translated(name: string, value: string, { ports, mounts, namespace, service }: Translation): string {
  if (name === 'PORT' && /^\d+$/.test(value)) return String(ports.get(Number(value)) ?? value);
  for (const [inside, outside] of mounts)
    if (value === inside || value.startsWith(`${inside}/`)) return outside + value.slice(inside.length);
  const host = new RegExp(`([a-z0-9-]+)\\.${namespace}\\.svc\\.cluster\\.local:(\\d+)`, 'g');
  return value.replace(host, (match, found: string, port: string) => {
    const here = service(found, Number(port));
    return here === undefined ? match : `127.0.0.1:${here}`;
  });
}
