import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuildStateDto } from '../contract/build.js';
import type { PlanDto } from '../contract/plan.js';
import type { ProjectDto } from '../contract/projects.js';
import type { ReleaseStateDto } from '../contract/release.js';
import {
  APPLIERS,
  ControllerForTests,
  DEPLOYMENTS,
  NAMESPACE,
  PODS,
  tokenOf,
  type Answer,
  type Person,
} from './controller-for-tests.js';

const PROJECT = `/v1/tenants/${NAMESPACE}/projects/shop`;
const image = (digit: string): string => `registry.example.com/shop@sha256:${digit.repeat(64)}`;
const labels = (workload: string) => ({
  'app.kubernetes.io/managed-by': 'fullstackagent',
  'fullstackagent.dev/project': 'shop',
  'fullstackagent.dev/workload': workload,
});

let controller: ControllerForTests;
beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shop' });
});
afterAll(async () => {
  await controller.stop();
});

const call = (method: string, part: string, body?: object): Promise<Answer> =>
  callAs('owner')(method, part, body);
const callAs =
  (as: Person) =>
  (method: string, part: string, body?: object): Promise<Answer> =>
    controller.call(method, `${PROJECT}/${part}`, { as, ...(body === undefined ? {} : { body }) });
const state = async (): Promise<ReleaseStateDto> =>
  (await call('GET', 'release')).json as unknown as ReleaseStateDto;

describe('a release', () => {
  test('is not there at first, and the offer says what could be', async () => {
    const { offer, release, history } = await state();
    expect(offer).toEqual({
      registries: ['registry.example.com/', 'snapshot.local/'],
      snapshots: true,
      membersOnly: false,
    });
    expect([release, history]).toEqual([undefined, []]);
  });

  test('is planned, recorded and shown, without its secrets', async () => {
    const variables = [
      { name: 'MODE', value: 'live' },
      { name: 'KEY', value: 'never-shown', secret: true },
    ];
    const input = { image: image('1'), replicas: 2, variables };
    while ((await call('GET', 'manifests')).json['files']?.toString() === '') await setImmediate();
    const plan = (await call('POST', 'plan', { release: input })).json as unknown as PlanDto;
    expect(plan.manifests.map(({ path }) => path.split('/').at(-1))).toContain(
      'deployment-shop--release.yaml',
    );
    expect(plan.restarts).toBe(false);
    expect((await state()).release).toBeUndefined();

    const { version, releaseHost: host } = plan;
    expect(host).toMatch(/^[a-z0-9]{12}$/);
    const answer = await call('POST', 'release', { ...input, version, host });
    expect(answer.status).toBe(202);
    const { release } = answer.json['project'] as ProjectDto;
    expect(release?.url).toBe(`http://${host ?? ''}.localhost:8088`);
    const shown = (await state()).release;
    expect(shown).toMatchObject({ image: image('1'), replicas: 2, port: 3000, visibility: 'public' });
    expect(shown?.variables).toEqual([
      { name: 'MODE', secret: false, value: 'live' },
      { name: 'KEY', secret: true },
    ]);
    expect(answer.text + JSON.stringify(shown)).not.toContain('never-shown');
  });

  test.each([
    { why: 'a tag', body: { image: 'registry.example.com/shop:1' }, field: 'image' },
    { why: 'a foreign registry', body: { image: `evil.example/x@sha256:${'1'.repeat(64)}` }, field: 'image' },
    { why: 'both at once', body: { image: image('1'), snapshot: {} }, field: 'snapshot' },
    { why: 'no pod', body: { replicas: 0 }, field: 'replicas' },
    {
      why: 'a name that is none',
      body: { variables: [{ name: '1', value: '' }] },
      field: 'variables.0.name',
    },
    { why: 'a field that nobody knows', body: { tag: 'x' }, field: 'tag' },
  ])('is refused beside the field: $why', async ({ body, field }) => {
    const answer = await call('POST', 'release', body);
    expect(answer.status).toBe(422);
    expect(answer.json['errors']).toEqual([expect.objectContaining({ field })]);
  });

  test('is a part of the project, with a status of its own', async () => {
    const intent = ((await controller.call('GET', PROJECT, { as: 'owner' })).json as unknown as ProjectDto)
      .version;
    const metadata = { name: 'shop--release', namespace: NAMESPACE, generation: 1 };
    controller.cluster.put(DEPLOYMENTS, {
      metadata: {
        ...metadata,
        labels: labels('release'),
        annotations: { 'fullstackagent.dev/intent': intent },
      },
      spec: { replicas: 2 },
      status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 1 },
    });
    controller.cluster.put(PODS, {
      metadata: { name: 'shop--release-x', namespace: NAMESPACE, labels: labels('release') },
      status: {
        containerStatuses: [
          { image: 'x', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } },
        ],
      },
    });
    controller.cluster.put(APPLIERS, { metadata: { name: 'shop', namespace: NAMESPACE } });
    const found = async (): Promise<ProjectDto['resources'][number] | undefined> =>
      ((await controller.call('GET', PROJECT, { as: 'owner' })).json as unknown as ProjectDto).resources.find(
        ({ kind }) => kind === 'release',
      );
    while ((await found())?.status !== 'ERROR') await setImmediate();
    expect(await found()).toMatchObject({ reason: 'ImageCannotBePulled' });
    expect((await found())?.message).toContain('no such image');
  });

  test('is rolled back, taken down, and both are in its history', async () => {
    await call('POST', 'release', { image: image('2') });
    const plan = (await call('POST', 'plan', { rollBack: {} })).json as unknown as PlanDto;
    expect(plan.documents[0]?.after).toContain(image('1'));
    expect((await call('POST', 'release/rollback', {})).status).toBe(202);
    expect((await state()).release?.image).toBe(image('1'));
    expect((await call('DELETE', 'release')).status).toBe(202);
    const { release, history } = await state();
    expect(release).toBeUndefined();
    expect(history.map((entry) => [entry.image, entry.current])).toEqual([
      [undefined, false],
      [image('1'), false],
      [image('2'), false],
      [image('1'), false],
    ]);
    const project = (await controller.call('GET', PROJECT, { as: 'owner' })).json as unknown as ProjectDto;
    expect(project.resources.map(({ kind }) => kind)).toEqual(['sandbox']);
  });

  test('is for those to change who may change the project', async () => {
    expect((await callAs('viewer')('GET', 'release')).status).toBe(200);
    expect((await callAs('stranger')('GET', 'release')).status).toBe(404);
    for (const [method, part] of [
      ['POST', 'release'],
      ['DELETE', 'release'],
      ['POST', 'release/rollback'],
      ['POST', 'release/snapshot'],
      ['GET', 'release/start-command'],
    ] as const) {
      const body = method === 'POST' ? {} : undefined;
      expect((await callAs('viewer')(method, part, body)).status).toBe(403);
      expect((await callAs('stranger')(method, part, body)).status).toBe(404);
    }
  });

  test('of a workspace needs a sandbox that runs', async () => {
    const answer = await call('POST', 'release', { snapshot: { command: 'node app.js' } });
    expect([answer.status, answer.json['code']]).toEqual([503, 'NOT_READY']);
  });
});

describe('on a cluster', () => {
  let cluster: ControllerForTests;
  beforeAll(async () => {
    cluster = await ControllerForTests.start({ CLUSTER: 'kubernetes' });
    await cluster.createProject({ name: 'Shop' });
  });
  afterAll(() => cluster.stop());
  const ask = (method: string, part: string, { as = 'owner', body }: Partial<Asked> = {}): Promise<Answer> =>
    cluster.call(method, `${PROJECT}/${part}`, { as, ...(body === undefined ? {} : { body }) });
  interface Asked {
    readonly as: Person;
    readonly body: object;
  }

  test('nothing makes a snapshot of a workspace, or an image where the platform does not say so', async () => {
    const snapshot = await ask('POST', 'release', { body: { snapshot: { command: 'node app.js' } } });
    expect(snapshot.status).toBe(409);
    expect(snapshot.json['detail']).toMatch(/^On this cluster a workspace cannot be released as it is/);
    const build = await ask('POST', 'release/build', { body: { command: 'node app.js' } });
    expect([build.status, build.json['detail']]).toEqual([
      409,
      expect.stringContaining('spec.release.build'),
    ]);
  });

  test('an image is built where the platform says so, by those who may change the project', async () => {
    await cluster.push('platform.yaml', (text) =>
      text
        .replace(/^( +)defaultStorage: 10Gi\n(?= +database:)/m, (line, indent: string) =>
          line.concat(`${indent}userNamespaces: { seccompProfile: profiles/build.json }\n`),
        )
        .replace(/^( +)registries:/m, '$1build: { repository: registry.example.com/built/ }\n$1registries:'),
    );
    const offer = async (): Promise<ReleaseStateDto['offer']> =>
      ((await ask('GET', 'release')).json as unknown as ReleaseStateDto).offer;
    while ((await offer()).build === undefined) await setImmediate();
    expect((await offer()).build).toEqual({ repository: 'registry.example.com/built/' });

    expect((await ask('GET', 'release/build')).json).toEqual({ log: '', shortened: false });
    for (const method of ['POST', 'GET', 'DELETE']) {
      const body = method === 'POST' ? { body: { command: 'x' } } : {};
      expect((await ask(method, 'release/build', { as: 'viewer', ...body })).status).toBe(403);
      expect((await ask(method, 'release/build', { as: 'stranger', ...body })).status).toBe(404);
    }
    expect((await ask('DELETE', 'release/build')).status).toBe(404);

    const begun = await ask('POST', 'release/build', { body: { command: 'node app.js' } });
    expect([begun.status, begun.json['state']]).toEqual([202, 'building']);
    const state = async (): Promise<BuildStateDto> =>
      (await ask('GET', 'release/build')).json as unknown as BuildStateDto;
    while ((await state()).build?.endedAt === undefined) await setImmediate();
    // No sandbox runs on this cluster.
    expect((await state()).build).toMatchObject({ state: 'failed', message: 'The sandbox is not running.' });
    expect(cluster.logged.join('')).toContain('"audit":"image-build"');
  });

  test('who may no longer change the project hears nothing more of its builds', async () => {
    const address = `http://127.0.0.1:${cluster.port}${PROJECT}/release/build/events`;
    const stream = await fetch(address, {
      headers: { Authorization: `Bearer ${await tokenOf('maintainer')}` },
    });
    const heard = stream.text();
    const tenant = `tenants/${NAMESPACE.slice(3, 5)}/${NAMESPACE}/tenant.yaml`;
    await cluster.push(tenant, (text) => text.replace('role: maintainer', 'role: viewer'));
    while ((await ask('GET', 'release/build', { as: 'maintainer' })).status !== 403) await setImmediate();
    await ask('POST', 'release/build', { body: { command: 'node app.js' } });
    expect((await heard).match(/^event: .*$/gm)).toEqual(['event: snapshot']);
  });

  test('what was built from another workspace is not released here', async () => {
    const image = (whose: string): object => ({
      image: `registry.example.com/built/${whose}@sha256:${'1'.repeat(64)}`,
    });
    const foreign = await ask('POST', 'release', { body: image('ns-zzzz9999/shop') });
    expect(foreign.json['errors']).toEqual([
      { field: 'image', message: 'This was built from the workspace of another project.' },
    ]);
    expect((await ask('POST', 'release', { body: image(`${NAMESPACE}/shop`) })).status).toBe(202);
    expect((await ask('POST', 'release', { body: image('by-hand/shop') })).status).toBe(202);
  });
});
