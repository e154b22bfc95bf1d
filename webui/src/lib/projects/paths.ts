interface Named {
  readonly namespace: string;
  readonly id: string;
}

/** `:id` of the public API: the name alone in one's own namespace, `<namespace>~<name>` elsewhere. */
export const projectKey = (project: Named, ownNamespace: string): string =>
  project.namespace === ownNamespace ? project.id : `${project.namespace}~${project.id}`;

export const projectHref = (key: string, tab = ''): string =>
  `/projects/${key}${tab === '' ? '' : `/${tab}`}`;

export const projectApi = (key: string, rest = ''): string =>
  `/api/projects/${encodeURIComponent(key)}${rest === '' ? '' : `/${rest}`}`;

/** The namespace and name behind a key. */
export function parseKey(key: string, ownNamespace: string): Named {
  const at = key.indexOf('~');
  return at === -1
    ? { namespace: ownNamespace, id: key }
    : { namespace: key.slice(0, at), id: key.slice(at + 1) };
}
