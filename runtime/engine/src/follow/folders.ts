/** A folder of the rendered branch that is applied as one, and what may be in it. */
export interface Folder {
  readonly path: string;
  readonly namespace: string;
  /** Name of its Kustomization. */
  readonly name: string;
  /** `tenant` folders hold what belongs to operators, the Namespace itself too. */
  readonly kind: 'project' | 'tenant';
}

/**
 * Below `platform/projects` is how Flux would apply a project. It is not applied here: the engine reports in a
 * Kustomization of its own making. But a commit that changes nothing else is a commit of that project all the same, and
 * its folder has to report that it is past it.
 */
const PROJECT = /^(?:platform\/projects|tenants)\/([a-z0-9]{2})\/(ns-[a-z0-9]{8})\/([a-z0-9-]+)(?:\/|$)/;
const TENANT = /^(platform\/tenants\/[a-z0-9]{2}\/(ns-[a-z0-9]{8}))(?:\/|$)/;

/** The folder a path belongs to; undefined for what is applied by nobody (a README). */
export function folderOf(path: string): Folder | undefined {
  const [, shard, namespace = '', name = ''] = PROJECT.exec(path) ?? [];
  if (shard !== undefined)
    return { path: `tenants/${shard}/${namespace}/${name}`, namespace, name, kind: 'project' };
  const tenant = TENANT.exec(path);
  if (tenant?.[1] !== undefined)
    return { path: tenant[1], namespace: tenant[2] ?? '', name: 'tenant', kind: 'tenant' };
  return undefined;
}
