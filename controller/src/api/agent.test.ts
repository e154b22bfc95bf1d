import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControllerForTests, type Person } from './controller-for-tests.js';

const NODE = '/api/v1/nodes/local/agent';
const ORDERS = '/v1/operations/agent';

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
});
afterAll(async () => {
  await controller.stop();
});

describe('Claude Code on this machine', () => {
  it('is not known while the engine cannot be asked', async () => {
    const answer = await controller.call('GET', '/v1/agent', { as: 'owner' });
    expect([answer.status, answer.json['code']]).toEqual([502, 'CLUSTER_REFUSED']);
  });

  it('is for operators to decide about, and for everybody to know of', async () => {
    controller.cluster.put(NODE, { metadata: { name: 'local' } });
    const others: Person[] = ['owner', 'viewer', 'stranger'];
    for (const as of others) {
      const refused = await controller.call('POST', ORDERS, { as, body: { action: 'allow' } });
      expect([refused.status, refused.json['code']]).toEqual([403, 'FORBIDDEN']);
      expect((await controller.call('GET', '/v1/agent', { as })).json).toMatchObject({ from: 'machine' });
    }
    for (const method of ['GET', 'POST'])
      expect((await controller.call(method, method === 'GET' ? '/v1/agent' : ORDERS)).status).toBe(401);
  });

  it.each([{}, { action: 'format' }, { action: 'allow', by: { id: 'x', name: 'somebody else' } }])(
    'takes no order like %j',
    async (body) => {
      const answer = await controller.call('POST', ORDERS, { as: 'operator', body });
      expect([answer.status, answer.json['code']]).toEqual([422, 'VALIDATION_FAILED']);
    },
  );
});
