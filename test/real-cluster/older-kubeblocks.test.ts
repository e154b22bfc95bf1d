import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { until } from '../support/until.js';
import { ApiServer, missingForApiServer } from './api-server.js';
import { ControllerProcess, type Project } from './controller.js';
import { applyAs, install } from './installed.js';

const missing = missingForApiServer();
const NAMESPACE = 'ns-olderaaa';
const FOLDER = `tenants/ol/${NAMESPACE}`;
const CLUSTERS = 'clusters.apps.kubeblocks.io';

/** The kind of KubeBlocks 1.0, served and stored by the version that 0.9 has, and by no other. */
const AS_IN_0_9 = [
  { op: 'replace', path: '/spec/versions/0/served', value: false },
  { op: 'replace', path: '/spec/versions/0/storage', value: false },
  { op: 'replace', path: '/spec/versions/1/storage', value: true },
];

describe('a database where KubeBlocks is 0.9', () => {
  const server = new ApiServer();
  const controller = new ControllerProcess();

  beforeAll(async () => {
    if (missing !== undefined) return;
    await install(server);
    server.kubectl('patch', 'crd', CLUSTERS, '--type=json', `--patch=${JSON.stringify(AS_IN_0_9)}`);
    await until('only the older version is served', () => {
      const versions = server.kubectl('get', '--raw', '/apis/apps.kubeblocks.io');
      return versions.includes('v1alpha1') && !versions.includes('apps.kubeblocks.io/v1"');
    });
    const account = server.kubeconfigOf('fullstackagent-system', 'controller');
    await controller.start(account, { DELIVERY: 'flux' }, 'database-v1alpha1/platform.yaml');
    await controller.create(NAMESPACE, 'blog', { database: true });
    const tenant = await until('the tenant is rendered', () => controller.rendered(`platform/${FOLDER}`));
    const project = await until('the project is rendered', () => controller.rendered(`${FOLDER}/blog`));
    for (const { manifests } of [tenant, project]) applyAs(server, 'kustomize-controller', manifests);
  });

  afterAll(async () => {
    await controller.stop();
    await server.stop();
  });

  beforeEach((context) => {
    needs(context, 'kubectl', 'git');
    context.skip(missing !== undefined, missing);
  });

  /** What the operator of 0.9 writes: it knows no `upToDate`. */
  const setPhase = (phase: string): void => {
    const generation = server.kubectl(
      'get',
      CLUSTERS,
      'blog--db',
      '-n',
      NAMESPACE,
      '-o=jsonpath={.metadata.generation}',
    );
    const status = { phase, observedGeneration: Number(generation), components: { postgresql: { phase } } };
    const patch = `--patch=${JSON.stringify({ status })}`;
    server.kubectl(
      'patch',
      CLUSTERS,
      'blog--db',
      '-n',
      NAMESPACE,
      '--type=merge',
      '--subresource=status',
      patch,
    );
  };

  const waitsFor = (pattern: RegExp): Promise<Project['resources'][number]> =>
    until(`the database waits for ${String(pattern)}`, async () => {
      const { resources } = await controller.project(NAMESPACE, 'blog');
      const database = resources.find(({ kind }) => kind === 'database');
      if (database === undefined || !pattern.test(database.waitingFor ?? ''))
        throw new Error(JSON.stringify(database));
      return database;
    });

  it('is seen by that version, and up to date when its phase says so', async () => {
    setPhase('Creating');
    await waitsFor(/^the database to accept connections/);
    setPhase('Running');
    // Nothing is said of the applier here: all that is left to wait for is its report.
    await waitsFor(/^the manifests to be applied$/);
    expect((await controller.project(NAMESPACE, 'blog')).freshness.state).toBe('fresh');
  });

  it('is compared with its manifest by that version', async () => {
    const drift = await controller.drift(NAMESPACE, 'blog');
    expect(drift.objects.filter(({ kind }) => kind === 'Cluster')).toEqual([]);
    server.kubectl('delete', CLUSTERS, 'blog--db', '-n', NAMESPACE);
    const gone = (await controller.drift(NAMESPACE, 'blog')).objects;
    expect(gone).toContainEqual(expect.objectContaining({ kind: 'Cluster', state: 'missing' }));
  });
});
