import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { until } from '../support/until.js';
import { ApiServer, missingForApiServer } from './api-server.js';
import { ControllerProcess, type Drift } from './controller.js';
import { applyAs, install } from './installed.js';

const missing = missingForApiServer();
const NAMESPACE = 'ns-driftaaa';
const FOLDER = `tenants/dr/${NAMESPACE}`;

type Difference = Drift['objects'][number]['differences'][number];

/**
 * A project as Flux would have applied it, and what people do to it afterwards with a stock kubectl. The controller
 * asks with the rights of its own account.
 */
describe('what differs between rendered and live, and who changed it', () => {
  const server = new ApiServer();
  const controller = new ControllerProcess();
  let manifests = '';

  beforeAll(async () => {
    if (missing !== undefined) return;
    await install(server);
    await controller.start(server.kubeconfigOf('fullstackagent-system', 'controller'), { DELIVERY: 'flux' });
    const env = [
      { name: 'GREETING', value: 'hello' },
      { name: 'A_NUMBER', value: '5' },
    ];
    await controller.create(NAMESPACE, 'blog', { database: true, env });
    const tenant = await until('the tenant is rendered', () => controller.rendered(`platform/${FOLDER}`));
    const project = await until('the project is rendered', () => controller.rendered(`${FOLDER}/blog`));
    manifests = project.manifests;
    applyAs(server, 'kustomize-controller', tenant.manifests);
    applyAs(server, 'kustomize-controller', manifests);
  });

  afterAll(async () => {
    await controller.stop();
    await server.stop();
  });

  beforeEach((context) => {
    needs(context, 'kubectl', 'git');
    context.skip(missing !== undefined, missing);
  });

  const kubectl = (...args: readonly string[]): string => server.kubectl(...args, '-n', NAMESPACE);
  const drift = (): Promise<Drift> => controller.drift(NAMESPACE, 'blog');

  async function differencesOf(kind: string): Promise<readonly Difference[]> {
    const { objects } = await drift();
    return objects.filter((object) => object.kind === kind).flatMap(({ differences }) => differences);
  }

  /** Who, apart from whoever applies. */
  const who = ({ by }: Difference): readonly string[] =>
    by.filter(({ manager }) => manager !== 'kustomize-controller').map(({ manager }) => manager);

  /** As the applier does at its next run. */
  const putBack = (): void => {
    applyAs(server, 'kustomize-controller', manifests);
  };

  it('what was applied does not differ, whatever the server filled in', async () => {
    const { objects, compared } = await drift();
    expect(objects).toEqual([]);
    expect(compared).toBeGreaterThan(8);
  });

  it('another image, by a named hand, with the time', async () => {
    const patch = { spec: { template: { spec: { containers: [{ name: 'sandbox', image: 'evil:1' }] } } } };
    kubectl(
      ...['patch', 'statefulset', 'blog', '--type=strategic', '--field-manager=ada'],
      `--patch=${JSON.stringify(patch)}`,
    );
    const [difference, ...others] = await differencesOf('StatefulSet');
    expect(others).toEqual([]);
    expect(difference).toMatchObject({
      path: 'spec.template.spec.containers[sandbox].image',
      how: 'changed',
      live: 'evil:1',
    });
    expect(difference?.by[0]).toMatchObject({ manager: 'ada', operation: 'Update' });
    expect(Date.parse(difference?.by[0]?.at ?? '')).not.toBeNaN();
    putBack();
    expect((await drift()).objects).toEqual([]);
  });

  it('replicas by kubectl scale, of which the API server does not tell who did it', async () => {
    kubectl('scale', 'statefulset', 'blog', '--replicas=0');
    expect(await differencesOf('StatefulSet')).toEqual([
      { path: 'spec.replicas', how: 'changed', rendered: '1', live: '0', by: [] },
    ]);
    putBack();
  });

  it('a container, a variable and an annotation beside the rendered ones', async () => {
    const containers = [
      { name: 'sandbox', env: [{ name: 'DEBUG', value: '1' }] },
      { name: 'sidecar', image: 'miner:1' },
    ];
    const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
    kubectl('patch', 'statefulset', 'blog', '--field-manager=eve', `--patch=${patch}`);
    kubectl('annotate', 'statefulset', 'blog', 'example.com/note=mine');
    const found = await differencesOf('StatefulSet');
    expect(found.map(({ path, how }) => `${how} ${path}`).sort()).toEqual([
      'added metadata.annotations["example.com/note"]',
      'added spec.template.spec.containers[sandbox].env[DEBUG]',
      'added spec.template.spec.containers[sidecar]',
    ]);
    expect(found.map((difference) => who(difference)[0]).sort()).toEqual(['eve', 'eve', 'kubectl-annotate']);
  });

  it('what is beside stays when the applier puts back what is its own, and goes on being shown', async () => {
    putBack();
    expect(await differencesOf('StatefulSet')).toHaveLength(3);
    const patch = JSON.stringify([
      { op: 'remove', path: '/metadata/annotations/example.com~1note' },
      { op: 'remove', path: '/spec/template/spec/containers/1' },
    ]);
    kubectl('patch', 'statefulset', 'blog', '--type=json', `--patch=${patch}`);
    kubectl('set', 'env', 'statefulset/blog', '-c', 'sandbox', 'DEBUG-');
    expect(await differencesOf('StatefulSet')).toEqual([]);
  });

  it('a value that is gone, of which nobody tells who took it', async () => {
    kubectl('patch', 'configmap', 'blog--env', '--type=merge', '--patch={"data":{"GREETING":null}}');
    expect(await differencesOf('ConfigMap')).toEqual([
      { path: 'data.GREETING', how: 'removed', rendered: 'hello', by: [] },
    ]);
    putBack();
  });

  it('a host of an address, in a list without keys', async () => {
    const patch = '[{"op":"replace","path":"/spec/rules/0/host","value":"elsewhere.example.com"}]';
    kubectl('patch', 'ingress', 'blog--app', '--type=json', `--patch=${patch}`, '--field-manager=eve');
    const found = await differencesOf('Ingress');
    expect(found.map(({ path, live }) => ({ path, live }))).toEqual([
      { path: 'spec.rules[0].host', live: 'elsewhere.example.com' },
    ]);
    expect(found.flatMap(who)).toEqual(['eve']);
    putBack();
  });

  it('a port, which Kubernetes tells apart by its number', async () => {
    const patch = '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9999}]';
    kubectl('patch', 'service', 'blog', '--type=json', `--patch=${patch}`, '--field-manager=eve');
    const found = await differencesOf('Service');
    expect(found.map(({ live }) => live)).toEqual(['9999']);
    expect(found.flatMap(who)).toEqual(['eve']);
    putBack();
  });

  it('the size of the database, in a kind that is not of Kubernetes', async () => {
    const patch = '[{"op":"replace","path":"/spec/componentSpecs/0/replicas","value":3}]';
    kubectl('patch', 'cluster', 'blog--db', '--type=json', `--patch=${patch}`, '--field-manager=eve');
    const found = await differencesOf('Cluster');
    expect(found.map(({ path, live }) => ({ path, live }))).toEqual([
      { path: 'spec.componentSpecs[postgresql].replicas', live: '3' },
    ]);
    expect(found.flatMap(who)).toContain('eve');
    putBack();
  });

  it('an object that is gone', async () => {
    kubectl('delete', 'service', 'blog');
    const { objects } = await drift();
    expect(objects).toEqual([{ kind: 'Service', name: 'blog', state: 'missing', differences: [] }]);
    putBack();
    expect((await drift()).objects).toEqual([]);
  });

  it('an object that looks like one of the project, and that no commit asks for', async () => {
    const claim =
      manifests.split(/^---\n/m).find((text) => /^kind: PersistentVolumeClaim$/m.test(text)) ?? '';
    applyAs(server, 'eve', claim.replaceAll('blog--workspace', 'hoard'));
    const { objects } = await drift();
    expect(objects).toEqual([
      { kind: 'PersistentVolumeClaim', name: 'hoard', state: 'extra', differences: [] },
    ]);
    kubectl('delete', 'pvc', 'hoard', '--wait=false');
    kubectl('patch', 'pvc', 'hoard', '--type=merge', '--patch={"metadata":{"finalizers":null}}');
    await until('it is gone', async () => (await drift()).objects.length === 0);
  });

  it('an object of an older version is behind: only what others did to it is listed', async () => {
    const older = manifests
      .replaceAll(/fullstackagent\.dev\/intent: .*/g, `fullstackagent.dev/intent: '${'0'.repeat(40)}'`)
      .replace('GREETING: hello', 'GREETING: hi');
    applyAs(server, 'kustomize-controller', older);
    kubectl('annotate', 'service', 'blog', 'example.com/note=mine');
    const { objects, compared } = await drift();
    expect(objects.map(({ state }) => state)).toEqual(Array<string>(compared).fill('behind'));
    expect(objects.flatMap(({ differences }) => differences.map(({ path }) => path))).toEqual([
      'metadata.annotations["example.com/note"]',
    ]);
  });
});
