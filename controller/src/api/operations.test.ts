import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationsDto, RolloutPlanDto } from '../contract/operations.js';
import { ControllerForTests, NAMESPACE, type Person } from './controller-for-tests.js';

const OPERATIONS = '/v1/operations';

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shared' });
});
afterAll(async () => {
  await controller.stop();
});

const list = async (): Promise<OperationsDto> =>
  (await controller.call('GET', OPERATIONS, { as: 'operator' })).json as unknown as OperationsDto;

const manifests = async (): Promise<string> =>
  (await controller.call('GET', `/v1/tenants/${NAMESPACE}/projects/shared/manifests`, { as: 'owner' })).text;

describe('what waits for an operator', () => {
  const paths: [string, string][] = [
    ['GET', ''],
    ['GET', '/rollout/plan'],
    ['POST', '/rollout/approve'],
    ['POST', '/rollout/put-back'],
    ['POST', `/removals/${'a'.repeat(40)}/approve`],
    ['POST', `/removals/${'a'.repeat(40)}/put-back`],
  ];
  test.each(paths)('%s %s is nobody else’s business', async (method, path) => {
    const others: Person[] = ['owner', 'stranger'];
    for (const as of others)
      expect((await controller.call(method, `${OPERATIONS}${path}`, { as })).status).toBe(403);
    expect((await controller.call(method, `${OPERATIONS}${path}`)).status).toBe(401);
  });

  test.each(paths.slice(1))('%s %s says so where there is nothing', async (method, path) => {
    const answer = await controller.call(method, `${OPERATIONS}${path}`, { as: 'operator' });
    expect([answer.status, answer.json['code']]).toEqual([404, 'NOT_FOUND']);
    expect(await list()).toEqual({ removals: [] });
  });

  test('what is no commit is not found', async () => {
    const answer = await controller.call('POST', `${OPERATIONS}/removals/--help/approve`, { as: 'operator' });
    expect(answer.status).toBe(404);
  });

  test('a pushed platform.yaml waits, is shown, and can be put back', async () => {
    await controller.push('platform.yaml', (before) =>
      before.replace('domain: localhost', 'domain: example.org'),
    );
    await expect
      .poll(async () => (await list()).rollout)
      .toMatchObject({ state: 'waiting', author: 't', subject: 'By hand' });
    const plan = await controller.call('GET', `${OPERATIONS}/rollout/plan`, { as: 'operator' });
    const { example, changed } = plan.json as unknown as RolloutPlanDto;
    expect([changed, example?.id]).toEqual([1, 'shared']);
    expect(await manifests()).not.toContain('example.org');
    const back = await controller.call('POST', `${OPERATIONS}/rollout/put-back`, { as: 'operator' });
    expect(back.status).toBe(202);
    await expect.poll(async () => (await list()).rollout).toBeUndefined();
    expect(await manifests()).not.toContain('example.org');
  });
});
