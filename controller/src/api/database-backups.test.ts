import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupsDto } from '../contract/backups.js';
import { ControllerForTests, NAMESPACE, type Answer, type Person } from './controller-for-tests.js';

const DATABASE = `/v1/tenants/${NAMESPACE}/projects/shop/database`;

let controller: ControllerForTests;
beforeAll(async () => {
  controller = await ControllerForTests.start({ CLUSTER: 'kubernetes' });
  await controller.createProject({ name: 'Shop', database: true });
});
afterAll(async () => {
  await controller.stop();
});

const call = (as: Person, ...[method, part, body]: [string, string, object?]): Promise<Answer> =>
  controller.call(method, `${DATABASE}/${part}`, { as, ...(body === undefined ? {} : { body }) });

describe('backups of a database on a cluster', () => {
  test('are listed where there are any, and are made by their schedule', async () => {
    const state = (await call('viewer', 'GET', 'backups')).json as unknown as BackupsDto;
    expect(state).toEqual({ onRequest: false, scheduled: false, backups: [] });
    const answer = await call('owner', 'POST', 'backups');
    expect(answer.status).toBe(409);
    expect(answer.json['detail']).toMatch(/^On this cluster backups are made by their schedule/);
    const restore = await call('owner', 'POST', 'restore', { backup: 'b' });
    expect(restore.json['detail']).toMatch(/^On this cluster/);
  });

  test('are for those to change who may change the project', async () => {
    for (const [method, part, body] of [
      ['POST', 'backups', undefined],
      ['PUT', 'backups', { schedule: null }],
      ['POST', 'restore', { backup: 'b' }],
    ] as const) {
      expect((await call('viewer', method, part, body)).status).toBe(403);
      expect((await call('stranger', method, part, body)).status).toBe(404);
    }
    expect((await call('stranger', 'GET', 'backups')).status).toBe(404);
  });
});
