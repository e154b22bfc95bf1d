import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { API_VERSION, type PlatformDocument, type TenantDocument } from '../documents/index.js';
import { renderDelivery, renderProject, renderTenant } from '../render.js';
import { exampleProject } from '../testing/arbitrary-documents.js';
import { fullPlatform } from '../testing/arbitrary-full-documents.js';
import { podTemplateOf, type GoldenObject } from '../testing/golden-objects.js';
import { isLetThrough, type Endpoint, type NetworkPolicy } from '../testing/network-policies.js';

const NAMESPACE = 'ns-ajno7yq7';

const platform: PlatformDocument = {
  ...fullPlatform,
  spec: {
    ...fullPlatform.spec,
    portal: { namespace: 'fullstackagent-system', port: 3000, podLabels: { app: 'portal' } },
    controller: { ...fullPlatform.spec.controller, podLabels: { app: 'controller' } },
    exposure: { ...fullPlatform.spec.exposure, tls: { mode: 'cert-manager', clusterIssuer: 'le' } },
    database: { ...fullPlatform.spec.database, backup: { storage: ['203.0.113.7/32'] } },
    tenant: { ...fullPlatform.spec.tenant, apiServers: ['10.0.0.10/32'] },
  },
};

const tenant: TenantDocument = {
  apiVersion: API_VERSION,
  kind: 'Tenant',
  metadata: { name: NAMESPACE },
  spec: { displayName: 'Ada', members: [{ user: 'u1a2b3c4d5e6', role: 'owner' }] },
};

const projectCalled = (name: string) => {
  const project = exampleProject({
    database: { engine: 'postgresql', version: '16', storage: '1Gi', preset: 'small' },
    release: {
      image: `registry.example.com/app@sha256:${'a'.repeat(64)}`,
      replicas: 1,
      host: 'r8m2w5t1zq4c',
      env: [],
      preset: 'small',
    },
  });
  return { ...project, metadata: { ...project.metadata, name } };
};

const objects = (files: ReadonlyMap<string, string>): readonly GoldenObject[] =>
  [...files.values()].map((text) => load(text) as GoldenObject);

const policies = [
  ...objects(renderTenant({ platform, tenant, intent: 'x' })),
  ...['blog', 'shop'].flatMap((name) => objects(renderDelivery({ platform, project: projectCalled(name) }))),
].filter(({ kind }) => kind === 'NetworkPolicy') as unknown as readonly NetworkPolicy[];

/** As the pod of that workload will be labelled. */
function workload(project: string, kind: 'StatefulSet' | 'Deployment', ip: string): Endpoint {
  const rendered = objects(renderProject({ platform, project: projectCalled(project), intent: 'x' }));
  const found = rendered.find((object) => object.kind === kind);
  const template = found && podTemplateOf(found);
  return { ip, namespace: NAMESPACE, labels: template?.metadata.labels ?? {} };
}

/** As KubeBlocks labels them (reference, 1.5). */
const databaseOf = (project: string, ip: string): Endpoint => ({
  ip,
  namespace: NAMESPACE,
  labels: {
    'app.kubernetes.io/managed-by': 'kubeblocks',
    'app.kubernetes.io/instance': `${project}--db`,
    'apps.kubeblocks.io/component-name': 'postgresql',
  },
});

const ends = {
  sandbox: workload('blog', 'StatefulSet', '10.1.0.1'),
  release: workload('blog', 'Deployment', '10.1.0.2'),
  database: databaseOf('blog', '10.1.0.3'),
  peer: databaseOf('blog', '10.1.0.4'),
  'other sandbox': workload('shop', 'StatefulSet', '10.1.0.5'),
  'other release': workload('shop', 'Deployment', '10.1.0.6'),
  'other database': databaseOf('shop', '10.1.0.7'),
  backup: {
    ip: '10.1.0.8',
    namespace: NAMESPACE,
    labels: { 'app.kubernetes.io/managed-by': 'kubeblocks-dataprotection' },
  },
  solver: { ip: '10.1.0.9', namespace: NAMESPACE, labels: { 'acme.cert-manager.io/http01-solver': 'true' } },
  stray: { ip: '10.1.0.10', namespace: NAMESPACE, labels: {} },
  'sandbox of another tenant': { ...workload('blog', 'StatefulSet', '10.2.0.1'), namespace: 'ns-other000' },
  'database of another tenant': { ...databaseOf('blog', '10.2.0.2'), namespace: 'ns-other000' },
  operator: { ip: '10.3.0.1', namespace: 'kb-system', labels: {} },
  'ingress controller': { ip: '10.3.0.2', namespace: 'ingress-nginx', labels: {} },
  controller: { ip: '10.3.0.3', namespace: 'fullstackagent-system', labels: { app: 'controller' } },
  portal: { ip: '10.3.0.4', namespace: 'fullstackagent-system', labels: { app: 'portal' } },
  dns: { ip: '10.3.0.5', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  'API server': { ip: '10.0.0.10' },
  node: { ip: '10.0.0.11' },
  metadata: { ip: '169.254.169.254' },
  'metadata by IPv6': { ip: 'fd00:ec2::254' },
  'metadata through NAT64': { ip: '64:ff9b::a9fe:a9fe' },
  'node through NAT64': { ip: '64:ff9b::a00:b' },
  'backup storage': { ip: '203.0.113.7' },
  internet: { ip: '198.51.100.1' },
  'internet by IPv6': { ip: '2001:db8::1' },
} satisfies Readonly<Record<string, Endpoint>>;

const PORTS = [22, 53, 80, 443, 2019, 3000, 5432, 6432, 6443, 7681, 8008, 8089, 10250];

type Opening = readonly [string, readonly number[] | 'all'];

/** `from -> to`: the ports that are let through; `all` of them. What is not here is let through on none. */
const OPEN: Readonly<Record<string, readonly number[] | 'all'>> = {
  ...Object.fromEntries<readonly number[] | 'all'>(
    ['sandbox', 'release', 'other sandbox', 'other release'].flatMap((app): Opening[] => [
      [`${app} -> dns`, [53]],
      [`${app} -> internet`, 'all'],
      [`${app} -> internet by IPv6`, 'all'],
      [`${app} -> backup storage`, 'all'],
      [`ingress controller -> ${app}`, 'all'],
    ]),
  ),
  ...Object.fromEntries<readonly number[] | 'all'>(
    ['database', 'peer', 'other database'].flatMap((database): Opening[] => [
      [`${database} -> dns`, [53]],
      [`${database} -> API server`, [443, 6443]],
      [`operator -> ${database}`, 'all'],
      [`backup -> ${database}`, [5432, 6432]],
    ]),
  ),
  // Its own database, and nobody else's.
  'sandbox -> database': [5432, 6432],
  'sandbox -> peer': [5432, 6432],
  'release -> database': [5432, 6432],
  'release -> peer': [5432, 6432],
  'other sandbox -> other database': [5432, 6432],
  'other release -> other database': [5432, 6432],
  'database -> peer': 'all',
  'peer -> database': 'all',
  'controller -> sandbox': [7681],
  'controller -> other sandbox': [7681],
  'sandbox -> portal': [3000],
  'other sandbox -> portal': [3000],
  'backup -> dns': [53],
  'backup -> API server': [443, 6443],
  'backup -> backup storage': 'all',
  'ingress controller -> solver': [8089],
  'solver -> dns': [53],
  'stray -> dns': [53],
};

/** Connections that have nothing to do with the tenant are none of its policies' business. */
const concerns = (...endpoints: readonly Endpoint[]): boolean =>
  endpoints.some(({ namespace }) => namespace === NAMESPACE);

const names = Object.keys(ends) as readonly (keyof typeof ends)[];

describe('who reaches whom, of all pods and addresses around a tenant', () => {
  it.each(names)('%s', (name) => {
    const from: Endpoint = ends[name];
    const found: Record<string, readonly number[] | 'all'> = {};
    const expected: Record<string, readonly number[] | 'all'> = {};
    for (const other of names) {
      const to: Endpoint = ends[other];
      if (other === name || !concerns(from, to)) continue;
      const key = `${name} -> ${other}`;
      const open = PORTS.filter((port) => isLetThrough(policies, { from, to, port }));
      if (open.length > 0) found[key] = open.length === PORTS.length ? 'all' : open;
      const wanted = OPEN[key];
      if (wanted !== undefined) expected[key] = wanted;
    }
    expect(found).toEqual(expected);
  });

  it('every line of the table is about two who are there', () => {
    for (const key of Object.keys(OPEN))
      for (const name of key.split(' -> ')) expect(names, key).toContain(name);
  });

  it('names are asked for by UDP too', () => {
    const { sandbox: from, dns: to } = ends;
    expect(isLetThrough(policies, { from, to, port: 53, protocol: 'UDP' })).toBe(true);
    expect(isLetThrough(policies, { from, to, port: 5353, protocol: 'UDP' })).toBe(false);
  });
});
