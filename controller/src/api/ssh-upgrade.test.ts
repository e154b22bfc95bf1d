import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SSH_PROTOCOL } from '../contract/ssh.js';
import { ControllerForTests, NAMESPACE, tokenOf, type Person } from './controller-for-tests.js';

const PROJECT = `/v1/tenants/${NAMESPACE}/projects/shell`;
const KEY = encodeURIComponent(`ssh-ed25519 ${'A'.repeat(68)}`);
const PATH = `${PROJECT}/ssh?user=developer&key=${KEY}`;

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shell' });
});
afterAll(() => controller.stop());

/** What is connected really is tried by test/journeys/editors.test.ts: it takes a sandbox. */
describe('who is refused an SSH connection, and how', () => {
  async function refusal(person: Person | undefined, path: string): Promise<Record<string, unknown>> {
    const headers = person === undefined ? {} : { Authorization: `Bearer ${await tokenOf(person)}` };
    const socket = new WebSocket(`ws://127.0.0.1:${controller.port}${path}`, [SSH_PROTOCOL], { headers });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    const chunks = await response.toArray();
    return JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as Record<string, unknown>;
  }

  const cases: [string, { as?: Person; path: string }, Record<string, unknown>][] = [
    ['nobody', { path: PATH }, { status: 401 }],
    ['a viewer', { as: 'viewer', path: PATH }, { status: 403 }],
    ['an operator', { as: 'operator', path: PATH }, { status: 403 }],
    ['a stranger', { as: 'stranger', path: PATH }, { status: 404 }],
    ['no project', { as: 'owner', path: PATH.replace('shell', 'nothing') }, { status: 404 }],
    ['no route', { as: 'owner', path: `${PROJECT}/ssh/x` }, { status: 404 }],
    ['no key', { as: 'owner', path: `${PROJECT}/ssh?user=developer` }, { status: 400 }],
    [
      'a key with options',
      { as: 'owner', path: PATH.replace('key=', 'key=command%3D%22id%22%20') },
      { status: 400 },
    ],
    ['no user', { as: 'owner', path: PATH.replace('developer', '') }, { status: 400 }],
    [
      'a sandbox that does not run',
      { as: 'maintainer', path: PATH },
      { status: 503, detail: 'The sandbox is not running.' },
    ],
  ];
  test.each(cases)('%s', async (_what, { as, path }, answer) => {
    expect(await refusal(as, path)).toMatchObject(answer);
  });

  test('asking beforehand is refused in the same words', async () => {
    expect((await controller.call('GET', `${PROJECT}/ssh`, { as: 'viewer' })).status).toBe(403);
    const { status, json } = await controller.call('GET', `${PROJECT}/ssh`, { as: 'owner' });
    expect([status, json['detail']]).toEqual([503, 'The sandbox is not running.']);
  });
});
