import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { CustomObjectsApi, KubeConfig, CoreV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { needs, pathOf } from '../support/capabilities.js';
import { owner } from '../support/fixtures.js';
import { Platform } from '../support/platform.js';

describe('the engine, seen with the tools of a Kubernetes user', () => {
  const platform = new Platform('kubectl');
  let api: Api;
  let namespace: string;
  let kubeconfig: string;

  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await api.create({ name: 'My Blog', database: true });
    ({ namespace } = await api.waitFor('my-blog', 'RUNNING'));
    kubeconfig = join(platform.home, 'engine', 'kubeconfig');
  });

  afterAll(() => platform.remove());

  const kubectl = (...args: readonly string[]): string =>
    execFileSync(pathOf('kubectl'), [...args], {
      encoding: 'utf8',
      timeout: 30_000,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KUBECONFIG: kubeconfig, HOME: platform.home },
    });

  it('lists what runs, as tables', (ctx) => {
    needs(ctx, 'kubectl');
    expect(existsSync(kubeconfig)).toBe(true);
    const pods = kubectl('get', 'pods', '-n', namespace);
    expect(pods).toMatch(/^NAME\s+READY\s+STATUS/);
    expect(pods).toMatch(/^my-blog-0\s+1\/1\s+Running/m);
    const everywhere = kubectl('get', 'statefulsets,services,persistentvolumeclaims,ingresses', '-A');
    for (const name of ['statefulset.apps/my-blog', 'service/my-blog', 'my-blog--workspace', 'my-blog--app'])
      expect(everywhere).toContain(name);
  });

  it('shows what was applied, and from which commit', (ctx) => {
    needs(ctx, 'kubectl');
    const revision = kubectl(
      'get',
      'kustomizations.kustomize.toolkit.fluxcd.io',
      'my-blog',
      '-n',
      namespace,
      '-o',
      'jsonpath={.status.lastAppliedRevision}',
    );
    expect(revision).toMatch(/^rendered@sha1:[0-9a-f]{40}$/);
  });

  it('differs in nothing from what is rendered, and lets nobody change that', async (ctx) => {
    needs(ctx, 'kubectl');
    const drift = (): Promise<{ compared: number }> => api.ask('GET', '/api/projects/my-blog/drift');
    const before = await drift();
    expect(before).toMatchObject({ applied: true, objects: [] });
    expect(before.compared).toBeGreaterThan(5);
    const at = ['my-blog', '-n', namespace];
    for (const change of [
      ['scale', 'statefulset', ...at, '--replicas=0'],
      ['annotate', 'statefulset', ...at, 'example.com/note=mine'],
      ['delete', 'service', ...at],
    ])
      expect(() => kubectl(...change), change.join(' ')).toThrow();
    expect(await drift()).toEqual(before);
  });

  it('shows no secret to somebody without the token', async () => {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const server = config.getCurrentCluster()?.server ?? '';
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const url = `${server}/api/v1/namespaces/${namespace}/secrets`;
      const answered = get(url, { rejectUnauthorized: false }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      });
      answered.once('error', reject);
    });
    expect([401, 403]).toContain(status);
  });

  it('is read by the official client library', async () => {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const pods = await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
    expect(pods.items.map(({ metadata }) => metadata?.name)).toEqual(['my-blog-0']);
    const clusters = (await config.makeApiClient(CustomObjectsApi).listNamespacedCustomObject({
      group: 'apps.kubeblocks.io',
      version: 'v1',
      namespace,
      plural: 'clusters',
    })) as { items: { status?: { phase?: string } }[] };
    expect(clusters.items.map(({ status }) => status?.phase)).toEqual(['Running']);
  });
});
