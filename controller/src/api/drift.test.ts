import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DriftDto } from '../contract/drift.js';
import { ControllerForTests, NAMESPACE, SEALED } from './controller-for-tests.js';

const PROJECT = `/v1/tenants/${NAMESPACE}/projects/shared`;
const SEALED_HERE = SEALED.replace('/sealedsecrets', `/namespaces/${NAMESPACE}/sealedsecrets`);

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shared' });
  while ((await drift()).compared === 0) await setImmediate();
});
afterAll(async () => {
  await controller.stop();
});

async function drift(): Promise<DriftDto> {
  const answer = await controller.call('GET', `${PROJECT}/drift`, { as: 'viewer' });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json as unknown as DriftDto;
}

test('what is rendered and not on the cluster is missing, each object of it', async () => {
  const { commit, applied, compared, objects } = await drift();
  expect(commit).toMatch(/^[0-9a-f]{40}$/);
  expect(applied).toBe(false);
  expect(objects).toHaveLength(compared);
  expect(new Set(objects.map(({ state }) => state))).toEqual(new Set(['missing']));
});

test('what is on the cluster is compared', async () => {
  controller.cluster.put(SEALED_HERE, {
    metadata: { name: 'shared--terminal', namespace: NAMESPACE },
    spec: { encryptedData: { TTYD_ACCESS_TOKEN: 'other' } },
  });
  const sealed = (await drift()).objects.find(({ kind }) => kind === 'SealedSecret');
  expect(sealed?.state).toBe('changed');
  expect(sealed?.differences.map(({ path }) => path)).toContain('spec.encryptedData.TTYD_ACCESS_TOKEN');
});

test('a cluster that cannot be reached is said, and nothing else is', async () => {
  controller.cluster.fail(SEALED_HERE + '/shared--terminal', 500);
  const answer = await controller.call('GET', `${PROJECT}/drift`, { as: 'owner' });
  expect([answer.status, answer.json['code']]).toEqual([503, 'CLUSTER_UNREACHABLE']);
});

test('it is for the members', async () => {
  expect((await controller.call('GET', `${PROJECT}/drift`)).status).toBe(401);
  expect((await controller.call('GET', `${PROJECT}/drift`, { as: 'stranger' })).status).toBe(404);
});
