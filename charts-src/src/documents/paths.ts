/**
 * Where each document lives on `main`, and where what is rendered from it lives on `rendered`.
 *
 * `<2>` is the first two characters of the namespace's random part: a flat directory of ten thousand entries would be
 * rewritten by every commit.
 */
export const PLATFORM_PATH = 'platform.yaml';

const shard = (namespace: string): string => namespace.slice(3, 5);

export const tenantPath = (namespace: string): string =>
  `tenants/${shard(namespace)}/${namespace}/tenant.yaml`;

export const projectPath = (namespace: string, name: string): string =>
  `tenants/${shard(namespace)}/${namespace}/projects/${name}.yaml`;

/** What tenants may be given write access to through an applier. */
export const renderedProjectDir = (namespace: string, name: string): string =>
  `tenants/${shard(namespace)}/${namespace}/${name}`;

/** What only operators may touch: Namespace, quota, policy, RBAC. */
export const renderedTenantDir = (namespace: string): string =>
  `platform/tenants/${shard(namespace)}/${namespace}`;

/** Who may reach a project's database, and how its folder is applied; nothing that a tenant may write. */
export const renderedDeliveryDir = (namespace: string, name: string): string =>
  `platform/projects/${shard(namespace)}/${namespace}/${name}`;

export type DocumentRef =
  | { kind: 'Platform' }
  | { kind: 'Tenant'; namespace: string }
  | { kind: 'Project'; namespace: string; name: string };

const TENANT = /^tenants\/([a-z0-9]{2})\/(ns-[a-z0-9]{8})\/tenant\.yaml$/;
const PROJECT = /^tenants\/([a-z0-9]{2})\/(ns-[a-z0-9]{8})\/projects\/([a-z0-9-]+)\.yaml$/;

/** The document a path on `main` holds, or `undefined` for a file that is none of ours (a README, a misplaced file). */
export function documentAt(path: string): DocumentRef | undefined {
  if (path === PLATFORM_PATH) return { kind: 'Platform' };
  const tenant = TENANT.exec(path);
  if (tenant?.[2] !== undefined && shard(tenant[2]) === tenant[1])
    return { kind: 'Tenant', namespace: tenant[2] };
  const project = PROJECT.exec(path);
  if (project?.[2] !== undefined && project[3] !== undefined && shard(project[2]) === project[1])
    return { kind: 'Project', namespace: project[2], name: project[3] };
  return undefined;
}
