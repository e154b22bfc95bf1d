import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { until } from '../support/until.js';
import { ApiServer, missingForApiServer } from './api-server.js';
import { ControllerProcess, type Project } from './controller.js';
import { applyAs, install } from './installed.js';

const missing = missingForApiServer();
/** Lists are in the order of names: what is in the first page is in the way of the project's. */
const CROWD = 'ns-aaaaaaaa';
const NAMESPACE = 'ns-zzzzzzzz';
const FOLDER = `tenants/zz/${NAMESPACE}`;
const NOW = new Date().toISOString().replace(/\.\d+Z$/, 'Z');

interface Pod {
  readonly metadata: { readonly uid: string };
}

/** What the scheduler, the kubelet and their events say is written by the test: nothing runs there. */
describe('the controller watches a real API server', () => {
  const server = new ApiServer();
  const controller = new ControllerProcess();

  beforeAll(async () => {
    if (missing !== undefined) return;
    await install(server);
    server.kubectl('create', 'namespace', CROWD);
    server.kubectlWith(
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crowd(520) }),
      'create',
      '-f',
      '-',
    );
    await controller.start(server.kubeconfigOf('fullstackagent-system', 'controller'), { DELIVERY: 'flux' });
    await controller.create(NAMESPACE, 'blog');
    const tenant = await until('the tenant is rendered', () => controller.rendered(`platform/${FOLDER}`));
    const project = await until('the project is rendered', () => controller.rendered(`${FOLDER}/blog`));
    applyAs(server, 'kustomize-controller', tenant.manifests);
    applyAs(server, 'kustomize-controller', project.manifests);
    setStatus('persistentvolumeclaim/blog--workspace', { phase: 'Bound' });
  });

  afterAll(async () => {
    controller.thaw();
    await controller.stop();
    await server.stop();
  });

  beforeEach((context) => {
    needs(context, 'kubectl', 'git');
    context.skip(missing !== undefined, missing);
  });

  /** More than one page of a kind that is watched. */
  const crowd = (count: number): object[] =>
    Array.from({ length: count }, (_, index) => {
      const labels = { 'app.kubernetes.io/managed-by': 'fullstackagent', 'fullstackagent.dev/project': 'p' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
      return {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: `p${index}`, namespace: CROWD, labels },
        spec: { serviceName: 'p', replicas: 0, selector: { matchLabels: labels }, template },
      };
    });

  const setStatus = (object: string, status: object): void => {
    const patch = `--patch=${JSON.stringify({ status })}`;
    server.kubectl('patch', object, '-n', NAMESPACE, '--type=merge', '--subresource=status', patch);
  };

  const kubectl = (...args: readonly string[]): string => server.kubectl(...args, '-n', NAMESPACE);

  /** As the StatefulSet controller makes it and the scheduler places it. */
  function createPod(): string {
    const set = JSON.parse(kubectl('get', 'statefulset', 'blog', '-o', 'json')) as {
      spec: { template: { metadata: object; spec: object } };
    };
    const { metadata, spec } = set.spec.template;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'blog-0', namespace: NAMESPACE },
      spec,
    };
    server.kubectlWith(JSON.stringify(pod), 'create', '-f', '-');
    setStatus('pod/blog-0', {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: NOW }],
      containerStatuses: [
        {
          name: 'sandbox',
          image: 'sandbox:1',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: 'ContainerCreating' } },
        },
      ],
    });
    return (JSON.parse(kubectl('get', 'pod', 'blog-0', '-o', 'json')) as Pod).metadata.uid;
  }

  function createEvent(uid: string, changes: object): void {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: 'blog-0.', namespace: NAMESPACE },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'blog-0', namespace: NAMESPACE, uid },
      firstTimestamp: NOW,
      lastTimestamp: NOW,
      source: { component: 'kubelet' },
      ...changes,
    };
    server.kubectlWith(JSON.stringify(event), 'create', '-f', '-');
  }

  const project = (): Promise<Project> => controller.project(NAMESPACE, 'blog');

  /** The step that is under way, and what it waits for, once it is this one. */
  async function waitsFor(pattern: RegExp): Promise<{ label: string; since?: string }> {
    return until(`it waits for ${String(pattern)}`, async () => {
      const [sandbox] = (await project()).resources;
      if (!pattern.test(sandbox?.waitingFor ?? '')) throw new Error(JSON.stringify(sandbox));
      const step = sandbox?.steps.find(({ state }) => state === 'active');
      return step === undefined ? undefined : { label: step.label, ...(step.since && { since: step.since }) };
    });
  }

  it('a list of several pages is read whole: the project is on the last one', async () => {
    expect(await waitsFor(/^the pod to be created$/)).toMatchObject({ label: 'Placed on a machine' });
  });

  it('events about the pod of now tell what its start waits for, and since when', async () => {
    const uid = createPod();
    expect(await waitsFor(/^the container to be created$/)).toMatchObject({ label: 'Image ready' });
    createEvent('of-another-pod', { type: 'Warning', reason: 'FailedMount', message: 'not yours' });
    createEvent(uid, { type: 'Normal', reason: 'Pulling', message: 'Pulling image' });
    expect(await waitsFor(/^the image to be pulled: sandbox:1$/)).toEqual({
      label: 'Image ready',
      since: NOW,
    });
    const lastTimestamp = new Date(Date.parse(NOW) + 5_000).toISOString().replace('.000Z', 'Z');
    createEvent(uid, {
      type: 'Warning',
      reason: 'FailedMount',
      message: 'Multi-Attach error',
      lastTimestamp,
    });
    await waitsFor(/Multi-Attach error$/);
  });

  it('a server that forgot the version (410) is listed again: what went meanwhile is gone', async () => {
    controller.freeze();
    kubectl('delete', 'pod', 'blog-0', '--force', '--grace-period=0');
    // A server that has just begun knows no version from before: it answers a watch from there with 410.
    await server.restart();
    controller.thaw();
    await waitsFor(/^the pod to be created$/);
    await until('everything is fresh again', async () => (await project()).freshness.state === 'fresh');
    createPod();
    expect(await waitsFor(/^the container to be created$/)).toMatchObject({ label: 'Image ready' });
  });
});
