import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControllerForTests, NAMESPACE } from './controller-for-tests.js';

let controller: ControllerForTests;
let app: URL;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shared' });
  const answer = await controller.call('GET', `/v1/tenants/${NAMESPACE}/projects/shared`, { as: 'viewer' });
  app = new URL((answer.json as { urls: { app: string } }).urls.app);
});
afterAll(async () => {
  await controller.stop();
});

const label = (): string => app.hostname.split('.')[0] ?? '';

test('whoever may see the project learns whose app is at a host, and what its address is', async () => {
  const answer = await controller.call('GET', `/v1/apps/${label()}`, { as: 'viewer' });
  expect(answer).toMatchObject({
    status: 200,
    json: { namespace: NAMESPACE, id: 'shared', origin: app.origin },
  });
});

test('the terminal and further ports of it are the same project’s', async () => {
  for (const part of ['ttyd', 'vite']) {
    const answer = await controller.call('GET', `/v1/apps/${label()}-${part}`, { as: 'viewer' });
    const origin = app.origin.replace(label(), `${label()}-${part}`);
    expect(answer).toMatchObject({ status: 200, json: { id: 'shared', origin } });
  }
});

test('nobody else does, and no other host is anybody’s', async () => {
  expect((await controller.call('GET', `/v1/apps/${label()}`)).status).toBe(401);
  const stranger = await controller.call('GET', `/v1/apps/${label()}`, { as: 'stranger' });
  expect([403, 404]).toContain(stranger.status);
  for (const other of ['zzzzzzzzzzzz', 'constructor', `${label()}x`, label().slice(1), `x-${label()}`])
    expect((await controller.call('GET', `/v1/apps/${other}`, { as: 'viewer' })).status).toBe(404);
});
