import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';

/** What was looked for when the objects of `gitops-template` were read line by line: where appliers differ, or give up. */
const TEMPLATE = fileURLToPath(new URL('../../gitops-template', import.meta.url));

interface SyncPolicy {
  readonly syncOptions: readonly string[];
  readonly retry: { readonly limit: number; readonly refresh: boolean };
}

interface TemplateObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly object[];
  readonly spec: {
    readonly destinationServiceAccounts?: readonly { readonly defaultServiceAccount: string }[];
    readonly retryInterval?: string;
    readonly template: {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      readonly spec: { readonly syncPolicy: SyncPolicy };
    };
  };
}

const objects = (folder: string, kind: string): readonly TemplateObject[] =>
  readdirSync(join(TEMPLATE, folder))
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => loadAll(readFileSync(join(TEMPLATE, folder, file), 'utf8')) as TemplateObject[])
    .filter((object) => object.kind === kind);

describe('the template of an applier', () => {
  const sets = objects('argocd', 'ApplicationSet');

  it('never gives up: a project may be there minutes before its namespace, or before what defines its kinds', () => {
    expect(sets).toHaveLength(2);
    for (const { metadata, spec } of sets) {
      const { retry } = spec.template.spec.syncPolicy;
      // Argo CD tries a commit again only as often as this says, and then never; below zero it goes on.
      expect(retry.limit, metadata.name).toBeLessThan(0);
      // Otherwise it would go on with the commit that it began with, and never see the mended one.
      expect(retry.refresh, metadata.name).toBe(true);
    }
    const kustomizations = objects('flux', 'Kustomization');
    expect(kustomizations).toHaveLength(1);
    for (const { spec } of kustomizations) expect(spec.retryInterval).toBe('30s');
  });

  it('compares as it applies: on the side of the server', () => {
    for (const { metadata, spec } of sets) {
      expect(spec.template.spec.syncPolicy.syncOptions, metadata.name).toContain('ServerSideApply=true');
      expect(spec.template.metadata.annotations, metadata.name).toMatchObject({
        'argocd.argoproj.io/compare-options': 'ServerSideDiff=true',
      });
    }
  });

  it('does not wait for what KubeBlocks 0.9 never says', () => {
    const [config] = objects('argocd', 'ConfigMap');
    const script = config?.data?.['resource.customizations.health.apps.kubeblocks.io_Cluster'] ?? '';
    expect(script).toContain('local tells = obj.apiVersion ~= "apps.kubeblocks.io/v1alpha1"');
    expect(script).toContain('if tells and c.upToDate ~= true then stale = true end');
  });

  it('has an account for everything that it applies, with the same rights at Argo CD as at Flux', () => {
    const accounts = objects('argocd', 'AppProject').map(({ metadata, spec }) => [
      metadata.name,
      spec.destinationServiceAccounts?.map(({ defaultServiceAccount }) => defaultServiceAccount),
    ]);
    // One without a namespace is looked for in the tenant's.
    expect(Object.fromEntries(accounts)).toEqual({
      'fullstackagent-platform': ['argocd:fullstackagent-platform'],
      'fullstackagent-projects': ['applier'],
    });
    expect(objects('argocd', 'ServiceAccount').map(({ metadata }) => metadata.name)).toEqual([
      'fullstackagent-platform',
    ]);
    const rules = (applier: string, role: string): readonly unknown[] =>
      objects(applier, 'ClusterRole').find(({ metadata }) => metadata.name === role)?.rules ?? [];
    const atFlux = rules('flux', 'fullstackagent-platform');
    expect(rules('argocd', 'fullstackagent-platform-argocd')).toEqual(
      atFlux.filter((rule) => !JSON.stringify(rule).includes('kustomize.toolkit.fluxcd.io')),
    );
    expect(atFlux.length).toBeGreaterThan(4);
  });
});
