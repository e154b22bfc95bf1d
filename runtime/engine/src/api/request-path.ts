import { kindAt, KINDS, type Kind } from '../store/kinds.js';

/** What a path asks for. */
export type Target =
  | { readonly type: 'fixed'; readonly path: string }
  | { readonly type: 'discovery'; readonly group: string; readonly version: string | undefined }
  | {
      readonly type: 'resource';
      readonly kind: Kind;
      readonly namespace: string | undefined;
      readonly name: string | undefined;
      readonly subresource: string | undefined;
    };

/** Kubernetes' paths. Undefined for one that is none, or a kind that is not served. */
export function parsePath(pathname: string): Target | undefined {
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  if (root === 'api') return underVersion('', rest);
  if (root !== 'apis') return { type: 'fixed', path: `/${parts.join('/')}` };
  const [group, ...further] = rest;
  if (group === undefined) return { type: 'fixed', path: '/apis' };
  if (!KINDS.some((kind) => kind.group === group)) return undefined;
  return underVersion(group, further);
}

function underVersion(group: string, parts: readonly string[]): Target | undefined {
  const [version, ...rest] = parts;
  if (version === undefined)
    return group === '' ? { type: 'fixed', path: '/api' } : { type: 'discovery', group, version: undefined };
  if (rest.length === 0) return { type: 'discovery', group, version };
  return resource(group, version, rest);
}

function resource(group: string, version: string, parts: readonly string[]): Target | undefined {
  // `namespaces/x` is a Namespace; `namespaces/x/pods` are the pods in it.
  const inside = parts[0] === 'namespaces' && parts.length > 2;
  const [plural = '', name, subresource, ...more] = inside ? parts.slice(2) : parts;
  const kind = kindAt(group, version, plural);
  if (kind === undefined || more.length > 0) return undefined;
  const complete = kind.namespaced ? inside || name === undefined : !inside;
  return complete
    ? { type: 'resource', kind, namespace: inside ? parts[1] : undefined, name, subresource }
    : undefined;
}
