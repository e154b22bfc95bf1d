import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../shared/cluster-for-tests.js';
import {
  ControllerForTests,
  NAMESPACE,
  people,
  SECRETS,
  SLICES,
  tokenOf,
  type Person,
} from './controller-for-tests.js';

const PATH = `/v1/tenants/${NAMESPACE}/projects/shell/terminal`;

let controller: ControllerForTests;
let ttyd: WebSocketServer;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shell' });
  ttyd = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tty' });
  ttyd.on('connection', (socket) => {
    socket.on('message', (data) => {
      socket.send(data as Buffer);
    });
  });
  await once(ttyd, 'listening');
});
afterAll(async () => {
  for (const client of ttyd.clients) client.terminate();
  ttyd.close();
  await controller.stop();
});

interface Dialled {
  readonly socket: WebSocket;
  /** Where it was refused. */
  readonly status?: number;
}

const open = async (person: Person | undefined, path: string): Promise<Dialled> =>
  dial(path, person === undefined ? undefined : await tokenOf(person));

async function dial(path: string, token: string | undefined): Promise<Dialled> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const socket = new WebSocket(`ws://127.0.0.1:${controller.port}${path}`, ['tty'], { headers });
  const refused = new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(() => undefined);
  const status = await Promise.race([opened, refused]);
  return status === undefined ? { socket } : { socket, status };
}

describe('who gets a terminal', () => {
  const cases: [string, { as?: Person; path: string }, number][] = [
    ['nobody', { path: `${PATH}?session=a` }, 401],
    ['a viewer', { as: 'viewer', path: `${PATH}?session=a` }, 403],
    ['an operator', { as: 'operator', path: `${PATH}?session=a` }, 403],
    ['a stranger', { as: 'stranger', path: `${PATH}?session=a` }, 404],
    ['no project', { as: 'owner', path: `${PATH.replace('shell', 'nothing')}?session=a` }, 404],
    ['no route', { as: 'owner', path: '/v1/terminal' }, 404],
    ['no session', { as: 'owner', path: PATH }, 400],
    [
      'a session that is an argument',
      { as: 'owner', path: `${PATH}?session=${encodeURIComponent('a;rm')}` },
      400,
    ],
    ['a session that is too long', { as: 'owner', path: `${PATH}?session=${'a'.repeat(65)}` }, 400],
  ];
  test.each(cases)('%s', async (_what, { as, path }, status) => {
    expect((await open(as, path)).status).toBe(status);
  });
});

test('a token opens a terminal once, and a refusal uses it up too', async () => {
  const token = await tokenOf('maintainer');
  const { socket, status } = await dial(`${PATH}?session=main`, token);
  expect(status).toBeUndefined();
  expect((await dial(`${PATH}?session=main`, token)).status).toBe(401);
  socket.terminate();
  const refused = await tokenOf('maintainer');
  expect((await dial(PATH, refused)).status).toBe(400);
  expect((await dial(`${PATH}?session=main`, refused)).status).toBe(401);
});

test('a sandbox that does not run: closed with a sentence', async () => {
  const { socket } = await open('maintainer', `${PATH}?session=main`);
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  expect(code).toBe(4404);
  expect(reason.toString()).toBe('The sandbox is not running.');
});

test('a sandbox that runs: found by its EndpointSlice, opened with its Secret, written down without it', async () => {
  const labels = { 'kubernetes.io/service-name': 'shell' };
  controller.cluster.put(SLICES, {
    metadata: { name: 'shell-1', namespace: NAMESPACE, labels },
    ports: [{ name: 'ttyd', port: (ttyd.address() as AddressInfo).port }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  });
  const token = 'tok3n';
  const data = { TTYD_ACCESS_TOKEN: Buffer.from(token).toString('base64') };
  controller.cluster.put(SECRETS, { metadata: { name: 'shell--terminal', namespace: NAMESPACE }, data });
  const { socket } = await open('maintainer', `${PATH}?session=main`);
  const messages: string[] = [];
  socket.on('message', (message) => messages.push((message as Buffer).toString()));
  socket.send(JSON.stringify({ AuthToken: '', columns: 80, rows: 24 }));
  socket.send('0ls');
  await until(() => messages.length === 2, 'the echo');
  expect(JSON.parse(messages[0] ?? '')).toEqual({
    AuthToken: Buffer.from(`user:${token}`).toString('base64'),
    columns: 80,
    rows: 24,
  });
  expect(messages[1]).toBe('0ls');
  socket.close(1000);
  await until(() => controller.logged.some((line) => line.includes('terminal-closed')), 'the audit line');
  const audit = controller.logged.filter((line) => line.includes('"audit"')).join('');
  expect(audit).toContain(people.maintainer);
  expect(audit).toContain('"session":"main"');
  expect(controller.logged.join('')).not.toContain(token);
});

describe('a terminal that is shared', () => {
  const claims = {
    name: 'Grace',
    share: 'share00000000000000000000',
    access: 'view',
    namespace: NAMESPACE,
    project: 'shell',
    session: 'main',
  };

  const guestToken = (sub: string, changes: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT({ ...claims, ...changes })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('portal')
      .setAudience('shared-terminal')
      .setSubject(sub)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(Buffer.alloc(32, 7));

  const SHARED = '/v1/shared-terminal';

  test('opens in the name of who shared it, and the guest is written down', async () => {
    const { socket } = await dial(SHARED, await guestToken(people.maintainer));
    socket.send(JSON.stringify({ AuthToken: '', columns: 80, rows: 24 }));
    socket.close(1000);
    await until(
      () => controller.logged.some((line) => line.includes('"guest":"Grace"') && line.includes('closed')),
      'the audit line',
    );
    const line = controller.logged.find((one) => one.includes('"guest":"Grace"')) ?? '';
    expect(JSON.parse(line)).toMatchObject({
      audit: 'terminal-opened',
      user: people.maintainer,
      share: claims.share,
      access: 'view',
    });
  });

  test.each([
    ['who may only look at the namespace', people.viewer, {}, 403],
    ['a stranger to the namespace', people.stranger, {}, 404],
    ['a project that is not there', people.owner, { project: 'gone' }, 404],
    ['a session that is an argument', people.owner, { session: '-x;y' }, 401],
    ['an access that there is not', people.owner, { access: 'admin' }, 401],
  ])('is refused where it names %s', async (...[, sub, changes, status]) => {
    expect((await dial(SHARED, await guestToken(sub, changes))).status).toBe(status);
  });

  test('a guest’s token opens it once', async () => {
    const token = await guestToken(people.maintainer);
    const { socket, status } = await dial(SHARED, token);
    expect(status).toBeUndefined();
    expect((await dial(SHARED, token)).status).toBe(401);
    socket.terminate();
  });

  test('the token of a guest opens nothing else, and no other token opens this', async () => {
    const guest = await guestToken(people.owner);
    expect((await dial(`${PATH}?session=main`, guest)).status).toBe(401);
    const url = `http://127.0.0.1:${controller.port}/v1/tenants/${NAMESPACE}/projects/shell`;
    expect((await fetch(url, { headers: { Authorization: `Bearer ${guest}` } })).status).toBe(401);
    expect((await dial(SHARED, await tokenOf('owner'))).status).toBe(401);
  });
});

test.each<[Person, number]>([
  ['maintainer', 200],
  ['viewer', 403],
  ['stranger', 404],
])('asked without an upgrade, it is said whether %s may use it', async (person, status) => {
  const response = await fetch(`http://127.0.0.1:${controller.port}${PATH}`, {
    headers: { Authorization: `Bearer ${await tokenOf(person)}` },
  });
  expect(response.status).toBe(status);
});
