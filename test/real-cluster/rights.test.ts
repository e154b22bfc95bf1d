import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { ROOT } from '../support/folders.js';
import { until } from '../support/until.js';
import { ApiServer, CRDS, missingForApiServer } from './api-server.js';
import { golden, goldenNames, isTenant } from './golden.js';

const missing = missingForApiServer();
const TENANT = 'ns-rights00';
const CONTROLLER = 'system:serviceaccount:fullstackagent-system:controller';
const PLATFORM = 'system:serviceaccount:flux-system:platform';
const APPLIER = `system:serviceaccount:${TENANT}:applier`;

/** As the tenant's folder will have them: the account that an applier impersonates, and what it is bound to. */
const applier = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: applier, namespace: ${TENANT} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: applier, namespace: ${TENANT} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fullstackagent-applier }
subjects: [{ kind: ServiceAccount, name: applier, namespace: ${TENANT} }]
`;

describe('who may do what, asked of a real API server', () => {
  const server = new ApiServer();

  beforeAll(async () => {
    if (missing !== undefined) return;
    await server.start();
    server.kubectl('apply', '--server-side', '-f', CRDS);
    server.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
    await until('the new kinds are served', () => server.kubectl('api-resources').includes('kustomizations'));
    for (const namespace of ['flux-system', 'argocd']) server.kubectl('create', 'namespace', namespace);
    for (const folder of ['controller', 'flux', 'argocd'])
      for (const file of readdirSync(join(ROOT, 'gitops-template', folder)))
        server.kubectlWith(
          readFileSync(join(ROOT, 'gitops-template', folder, file), 'utf8'),
          'apply',
          '--server-side',
          '-f',
          '-',
        );
    for (const manifests of [golden('tenant', TENANT), applier])
      server.kubectlWith(manifests, 'apply', '--server-side', '-f', '-');
  });

  afterAll(() => server.stop());

  beforeEach((context) => {
    needs(context, 'kubectl');
    context.skip(missing !== undefined, missing);
  });

  it.each([
    ['list', 'pods', '-A'],
    ['watch', 'statefulsets.apps', '-A'],
    ['list', 'persistentvolumeclaims', '-A'],
    ['list', 'events', '-A'],
    ['watch', 'clusters.apps.kubeblocks.io', '-A'],
    ['list', 'sealedsecrets.bitnami.com', '-A'],
    ['watch', 'kustomizations.kustomize.toolkit.fluxcd.io', '-A'],
    ['list', 'applications.argoproj.io', '-n', 'argocd'],
    ['patch', 'gitrepositories.source.toolkit.fluxcd.io/platform', '-n', 'flux-system'],
    ['get', 'secrets', '-n', TENANT],
    ['list', 'endpointslices.discovery.k8s.io', '-n', TENANT],
    ['get', 'configmaps', '-n', TENANT],
    ['get', 'ingresses.networking.k8s.io', '-n', TENANT],
    ['list', 'backups.dataprotection.kubeblocks.io', '-n', TENANT],
    ['create', 'pods', '--subresource=exec', '-n', TENANT],
  ])('the controller may %s %s %s %s', async (...question) => {
    expect(await server.can(CONTROLLER, ...question)).toBe(true);
  });

  it.each([
    ['get', 'secrets', '-A'],
    ['list', 'secrets', '-n', TENANT],
    ['list', 'configmaps', '-n', TENANT],
    ['get', 'pods', '-n', TENANT],
    ['get', 'pods', '--subresource=log', '-n', TENANT],
    ['get', 'events', '-n', TENANT],
    ['create', 'networkpolicies.networking.k8s.io', '-n', TENANT],
    ['get', 'configmaps', '-n', 'kube-system'],
    ['get', 'secrets', '-n', 'flux-system'],
    ['get', 'secrets', '-n', 'argocd'],
    ['patch', 'statefulsets.apps', '-n', TENANT],
    ['delete', 'pods', '-n', TENANT],
    ['create', 'pods', '--subresource=exec', '-n', 'kube-system'],
    ['patch', 'applications.argoproj.io', '-n', 'argocd'],
    ['list', 'applications.argoproj.io', '-A'],
    ['patch', 'kustomizations.kustomize.toolkit.fluxcd.io', '-n', TENANT],
    ['patch', 'gitrepositories.source.toolkit.fluxcd.io/other', '-n', 'flux-system'],
    ['create', 'rolebindings.rbac.authorization.k8s.io', '-n', TENANT],
    ['impersonate', 'serviceaccounts', '-A'],
    ['list', 'nodes', '-A'],
  ])('the controller may not %s %s %s %s', async (...question) => {
    expect(await server.can(CONTROLLER, ...question)).toBe(false);
  });

  it('with its own token it reads what it watches', () => {
    const config = server.kubeconfigOf('fullstackagent-system', 'controller');
    const list = server.kubectl('--kubeconfig', config, 'get', 'statefulsets', '-A', '-o', 'name');
    expect(list).toContain('statefulset.apps/platform');
    expect(() => server.kubectl('--kubeconfig', config, 'get', 'secrets', '-A')).toThrow(/forbidden/i);
  });

  it('Flux applies what belongs to operators with an account of its own: a tenant, and how its projects are applied', () => {
    const args = ['apply', '--server-side', '--field-manager=kustomize-controller', '-f', '-'];
    const asPlatform = (manifests: string): string =>
      server.kubectlWith(manifests, ...args, `--as=${PLATFORM}`);
    for (const example of goldenNames.filter(isTenant))
      expect(asPlatform(golden(example, 'ns-rights02'))).toContain(
        'namespace/ns-rights02 serverside-applied',
      );
    const delivery = golden('flux', 'ns-rights02', { of: 'operators' });
    const name = 'kustomization.kustomize.toolkit.fluxcd.io/my-blog';
    expect(asPlatform(delivery)).toContain(`${name} serverside-applied`);
    const tenantsOwn = `--as=system:serviceaccount:ns-rights02:applier`;
    expect(() => server.kubectlWith(delivery, ...args, tenantsOwn)).toThrow(/forbidden/i);
    expect(server.kubectl('delete', name, '-n', 'ns-rights02', `--as=${PLATFORM}`)).toContain('deleted');
    expect(() => asPlatform(golden('minimal', 'ns-rights02'))).toThrow(/forbidden/i);
  });

  it.each([
    ['get', 'secrets', '-A'],
    ['create', 'pods', '-A'],
    ['create', 'statefulsets.apps', '-A'],
    ['create', 'clusterroles.rbac.authorization.k8s.io', '-A'],
    ['create', 'clusterrolebindings.rbac.authorization.k8s.io', '-A'],
    ['bind', 'clusterroles.rbac.authorization.k8s.io/cluster-admin', '-A'],
    ['patch', 'gitrepositories.source.toolkit.fluxcd.io/platform', '-n', 'flux-system'],
    ['impersonate', 'serviceaccounts', '-A'],
  ])('that account may not %s %s %s %s', async (...question) => {
    expect(await server.can(PLATFORM, ...question)).toBe(false);
  });

  it('the account of a tenant may apply a project in its namespace', () => {
    const args = ['apply', '--server-side', '--field-manager=kustomize-controller', '-f', '-'];
    const answer = server.kubectlWith(
      golden('database', TENANT, { of: 'project' }),
      ...args,
      `--as=${APPLIER}`,
    );
    expect(answer).toContain('statefulset.apps/my-blog serverside-applied');
    expect(answer).toContain('cluster.apps.kubeblocks.io/my-blog--db serverside-applied');
    server.kubectl('delete', 'statefulset', 'my-blog', '-n', TENANT, `--as=${APPLIER}`);
  });

  it('and nothing else: no other namespace, no limit, no role, no secret', async () => {
    server.kubectl('create', 'namespace', 'ns-rights01');
    const args = ['apply', '--server-side', '-f', '-', `--as=${APPLIER}`];
    expect(() => server.kubectlWith(golden('minimal', 'ns-rights01'), ...args)).toThrow(/forbidden/i);
    expect(() => server.kubectlWith(golden('tenant', TENANT), ...args)).toThrow(/forbidden/i);
    for (const resource of [
      'secrets',
      'roles',
      'rolebindings',
      'resourcequotas',
      'pods',
      'serviceaccounts',
      'networkpolicies',
    ])
      expect(await server.can(APPLIER, 'create', resource, '-n', TENANT), resource).toBe(false);
  });
});
