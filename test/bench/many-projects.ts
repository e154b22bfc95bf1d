/** Documents of an installation with many projects, the same at each run. */

export interface ManyProject {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

/** Ten projects a tenant; the tenants spread over the folders as drawn names do. */
export function manyProjects(count: number): ManyProject[] {
  return Array.from({ length: count }, (_, at) => {
    const namespace = namespaceOf(Math.floor(at / 10));
    const name = `project-${String(at)}`;
    return { namespace, name, path: `${folderOf(namespace)}/projects/${name}.yaml` };
  });
}

export const tenantPathOf = (namespace: string): string => `${folderOf(namespace)}/tenant.yaml`;

const folderOf = (namespace: string): string => `tenants/${namespace.slice(3, 5)}/${namespace}`;

/** Eight characters of [0-9a-z] that look drawn: a multiplication that never meets itself below 36^8. */
function namespaceOf(tenant: number): string {
  const drawn = (BigInt(tenant + 1) * 1_000_000_000_039n) % 36n ** 8n;
  return `ns-${drawn.toString(36).padStart(8, '0').split('').reverse().join('')}`;
}

export const tenantText = (namespace: string): string =>
  `apiVersion: fullstackagent.dev/v1alpha1
kind: Tenant
metadata:
  name: ${namespace}
spec:
  displayName: Tenant ${namespace}
  members:
    - user: owner00001
      role: owner
`;

export function projectText({ namespace, name }: ManyProject, revision: number): string {
  const host = Buffer.from(name).toString('hex').slice(-12).padStart(12, '0');
  return `apiVersion: fullstackagent.dev/v1alpha1
kind: Project
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  displayName: Project, revision ${String(revision)}
  description: A personal blog with Next.js and Prisma
  state: Running
  host: ${host}
  sandbox:
    image: registry.example.com/sandbox:1.0.0
    preset: small
    storage: 10Gi
  terminal:
    sealedToken: AgAxMjM0NTY3ODkwYWJjZGVm
  env:
    - name: NEXT_PUBLIC_API_URL
      value: https://api.example.com/${name}
    - name: LOG_LEVEL
      value: info
`;
}
