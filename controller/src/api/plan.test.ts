import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanDto, PlanInput } from '../contract/plan.js';
import { ControllerForTests, NAMESPACE } from './controller-for-tests.js';

const PROJECT = `/v1/tenants/${NAMESPACE}/projects/shared`;

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shared', env: [{ name: 'A', value: '1' }] });
  while ((await files()).length === 0) await setImmediate();
});
afterAll(async () => {
  await controller.stop();
});

const files = async (): Promise<unknown[]> =>
  (await controller.call('GET', `${PROJECT}/manifests`, { as: 'owner' })).json['files'] as unknown[];

async function plan(body: PlanInput): Promise<PlanDto> {
  const answer = await controller.call('POST', `${PROJECT}/plan`, { as: 'owner', body });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json as unknown as PlanDto;
}

const names = (differences: PlanDto['manifests']): string[] =>
  differences.map(({ path }) => path.split('/').at(-1) ?? '');

describe('what a change would do', () => {
  test('of a variable: one file, and nothing restarts', async () => {
    const variables = [{ name: 'A', value: '2' }];
    const { documents, manifests, restarts } = await plan({ environment: { variables } });
    expect(names(documents)).toEqual(['shared.yaml']);
    expect(documents[0]?.before).toContain("value: '1'");
    expect(documents[0]?.after).toContain("value: '2'");
    expect(names(manifests)).toEqual(['configmap-shared--env.yaml']);
    expect(restarts).toBe(false);
  });

  test('of the size: the sandbox restarts', async () => {
    const { manifests, restarts } = await plan({ change: { preset: 'medium' } });
    expect(names(manifests)).toEqual(['statefulset-shared.yaml']);
    expect(restarts).toBe(true);
  });

  test('of an action: what it takes away', async () => {
    const { manifests, restarts } = await plan({ action: 'delete' });
    expect(manifests.find(({ path }) => path.endsWith('statefulset-shared.yaml'))?.after).toBeNull();
    expect(restarts).toBe(false);
    expect((await plan({ action: 'start' })).documents).toEqual([]);
    expect((await plan({ action: 'restart' })).restarts).toBe(true);
  });

  test('was not done', async () => {
    const { version } = await plan({ action: 'stop' });
    const project = await controller.call('GET', PROJECT, { as: 'owner' });
    expect(project.json).toMatchObject({ desiredState: 'Running', version });
    const history = await controller.call('GET', `${PROJECT}/history`, { as: 'owner' });
    expect(history.json['commits']).toHaveLength(1);
  });

  test('is refused as the change would be', async () => {
    const bad: [unknown, number][] = [
      [{ action: 'explode' }, 422],
      [{ action: 'restore' }, 409],
      [{ change: { preset: 'huge' } }, 422],
      [{ environment: { variables: [{ name: 'PORT', value: '1' }] } }, 422],
      [{}, 422],
    ];
    for (const [body, status] of bad)
      expect([
        body,
        (await controller.call('POST', `${PROJECT}/plan`, { as: 'owner', body })).status,
      ]).toEqual([body, status]);
    expect((await controller.call('POST', `${PROJECT}/plan`, { as: 'viewer', body: {} })).status).toBe(403);
  });
});
