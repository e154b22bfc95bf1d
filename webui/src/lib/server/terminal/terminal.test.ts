import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { problem, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ControllerForTests } from '../testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from '../testing/portal-for-tests.js';
import { startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';

const ADA = { username: 'ada', password: 'correct horse' };
const PATH = '/api/projects/blog/terminal?session=main';
const MOST_AT_ONCE = 4 * 1024 * 1024;

describe.skipIf(!isBuilt())('terminals through the built portal (npm run build first)', () => {
  let postgres: PostgresForTests;
  let controller: ControllerForTests;
  let portal: PortalForTests;
  let ada: Visitor;
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
    portal = await PortalForTests.start({
      databaseUrl: await postgres.database(),
      controllerUrl: controller.url,
    });
    await until('the portal to be ready', () => portal.ready);
    ada = new Visitor(portal);
    await ada.send('POST', '/api/auth/signup', { body: ADA });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    controller.terminals.length = 0;
    controller.refuseTerminals(undefined);
  });
  afterAll(async () => {
    await portal.remove();
    await Promise.all([postgres.remove(), controller.stop()]);
  });

  interface How {
    readonly path?: string;
    readonly origin?: string;
    readonly cookie?: string;
    readonly protocols?: string[];
  }

  function dial({
    path = PATH,
    origin = portal.origin,
    cookie = ada.cookie,
    protocols = ['tty'],
  }: How = {}): WebSocket {
    const address = `${portal.origin.replace('http', 'ws')}${path}`;
    const headers = cookie === '' ? { origin } : { origin, cookie };
    const socket = new WebSocket(address, protocols, { headers, perMessageDeflate: false });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return socket;
  }

  /** Both ends of a terminal that is open. */
  async function open(
    how: How = {},
  ): Promise<{ browser: WebSocket; sandbox: WebSocket; url: string; user: string }> {
    const browser = dial(how);
    const welcome = once(browser, 'message');
    await once(browser, 'open');
    expect(String((await welcome)[0])).toBe('0welcome');
    const terminal = controller.terminals.at(-1);
    if (terminal === undefined) throw new Error('The controller saw no terminal.');
    return { browser, sandbox: terminal.socket, url: terminal.url, user: terminal.claims.name };
  }

  async function refused(how: How): Promise<{ status: number | undefined; body: Record<string, unknown> }> {
    const [, response] = (await once(dial(how), 'unexpected-response')) as [unknown, IncomingMessage];
    const chunks = await response.toArray();
    const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as Record<string, unknown>;
    return { status: response.statusCode, body };
  }

  it('carry messages both ways, byte for byte, in the name of the person', async () => {
    const { browser, sandbox, url, user } = await open();
    expect(browser.protocol).toBe('tty');
    expect(url).toMatch(/^\/v1\/tenants\/ns-[a-z0-9]{8}\/projects\/blog\/terminal\?session=main$/);
    expect(user).toBe('ada');
    for (const [from, to] of [
      [browser, sandbox],
      [sandbox, browser],
    ] as const) {
      const arrived = once(to, 'message');
      from.send(Buffer.from([0x30, 0xff, 0, 1]));
      expect(await arrived).toEqual([Buffer.from([0x30, 0xff, 0, 1]), true]);
      const text = once(to, 'message');
      from.send('text');
      expect(await text).toEqual([Buffer.from('text'), false]);
    }
  });

  it('reach a project of another namespace by its full name', async () => {
    const { url } = await open({ path: '/api/projects/ns-zzzz9999~blog/terminal?session=a_b-1' });
    expect(url).toBe('/v1/tenants/ns-zzzz9999/projects/blog/terminal?session=a_b-1');
  });

  it('lose nothing of a flood that the reader is slower than', async () => {
    const { browser, sandbox } = await open();
    const received: Buffer[] = [];
    browser.on('message', (data: Buffer) => received.push(data));
    browser.pause();
    const chunk = Buffer.alloc(256 * 1024, 'x');
    for (let index = 0; index < 128; index++) {
      chunk.writeUInt32BE(index);
      sandbox.send(Buffer.from(chunk));
    }
    // The portal stops reading, so that what is left waits at the sender instead of in the portal's memory.
    await until('the flood to reach the portal', () => sandbox.bufferedAmount < 32 * 1024 * 1024);
    expect(sandbox.bufferedAmount).toBeGreaterThan(0);
    browser.resume();
    await until('everything to arrive', () => received.length === 128);
    expect(received.map((data) => data.readUInt32BE())).toEqual([...Array(128).keys()]);
  });

  it.each(['the browser', 'the sandbox'])('end where %s sends more at once than they take', async (who) => {
    const { browser, sandbox } = await open();
    const arrived: number[] = [];
    const [from, to] = who === 'the browser' ? [browser, sandbox] : [sandbox, browser];
    to.on('message', (data: Buffer) => arrived.push(data.length));
    const closed = Promise.all([once(browser, 'close'), once(sandbox, 'close')]);
    from.send(Buffer.alloc(MOST_AT_ONCE, '0'));
    await until('the largest message that may be', () => arrived.length === 1);
    from.send(Buffer.alloc(MOST_AT_ONCE + 1, '0'));
    await closed;
    expect(arrived).toEqual([MOST_AT_ONCE]);
    expect((await open()).browser.readyState).toBe(WebSocket.OPEN);
  });

  it('pass a character on that was cut between two messages, byte for byte', async () => {
    const { browser, sandbox } = await open();
    const bytes = Buffer.from('0日本 👩‍💻');
    const received: Buffer[] = [];
    browser.on('message', (data: Buffer) => received.push(data.subarray(1)));
    for (let at = 1; at < bytes.length; at += 2)
      sandbox.send(Buffer.concat([Buffer.from('0'), bytes.subarray(at, at + 2)]));
    await until('all of it', () => Buffer.concat(received).length === bytes.length - 1);
    expect(Buffer.concat(received).toString()).toBe('日本 👩‍💻');
  });

  it.each([
    ['the sandbox', 1000, 'The shell ended.'],
    ['the sandbox', terminalCloseCodes.notRunning, 'The sandbox does not run.'],
    ['the browser', 1000, 'bye'],
    ['the browser', 4000, ''],
  ])('closed by %s with %i, close at the other end with the same', async (who, code, reason) => {
    const { browser, sandbox } = await open();
    const [from, to] = who === 'the browser' ? [browser, sandbox] : [sandbox, browser];
    const closed = once(to, 'close');
    from.close(code, reason);
    expect(await closed).toEqual([code, Buffer.from(reason)]);
  });

  it('say that the connection was lost where the controller is gone without a word', async () => {
    const { browser, sandbox } = await open();
    const closed = once(browser, 'close');
    sandbox.terminate();
    expect((await closed)[0]).toBe(terminalCloseCodes.lost);
  });

  it('are gone at the controller when the browser is gone without a word', async () => {
    const { browser, sandbox } = await open();
    const closed = once(sandbox, 'close');
    browser.terminate();
    await closed;
  });

  it('end with the session of who opened them', async () => {
    const visitor = new Visitor(portal);
    await visitor.send('POST', '/api/auth/login', { body: ADA });
    const { browser } = await open({ cookie: visitor.cookie });
    const other = await open();
    const closed = once(browser, 'close');
    await visitor.send('POST', '/api/auth/logout');
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
    expect(other.browser.readyState).toBe(WebSocket.OPEN);
  });

  it.each<[string, How, number, string]>([
    ['another site', { origin: 'https://evil.example' }, 403, 'FORBIDDEN'],
    ['another port of this machine', { origin: 'http://localhost:1' }, 403, 'FORBIDDEN'],
    ['nobody who is signed in', { cookie: '' }, 401, 'UNAUTHENTICATED'],
    ['a session that never was', { cookie: 'fsa_session=wrong' }, 401, 'UNAUTHENTICATED'],
    ['an address that is no terminal', { path: '/api/events' }, 404, 'NOT_FOUND'],
    ['a name that is a path', { path: '/api/projects/..%2f..%2fx/terminal?session=a' }, 404, 'NOT_FOUND'],
    ['a name that is no text', { path: '/api/projects/%ff/terminal?session=a' }, 404, 'NOT_FOUND'],
    [
      'a session with odd characters',
      { path: '/api/projects/blog/terminal?session=a%20b' },
      400,
      'BAD_REQUEST',
    ],
    ['no session', { path: '/api/projects/blog/terminal' }, 400, 'BAD_REQUEST'],
    ['another protocol', { protocols: ['mqtt'] }, 400, 'BAD_REQUEST'],
  ])('refuse %s before the upgrade', async (...[, how, status, code]) => {
    expect(await refused(how)).toMatchObject({ status, body: { code, status } });
    expect(controller.terminals).toEqual([]);
  });

  it('refuse with the controller’s own words what it refuses', async () => {
    const refusal = problem('FORBIDDEN', 'You can look at this namespace, and not change it.');
    controller.refuseTerminals(refusal);
    expect(await refused({})).toEqual({ status: 403, body: refusal });
  });

  it('survive handshakes that are none, and connections that break in the middle', async () => {
    const { port } = new URL(portal.origin);
    const headers = [`GET ${PATH} HTTP/1.1`, 'Host: x', `Origin: ${portal.origin}`, `Cookie: ${ada.cookie}`];
    for (const extra of [
      ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Protocol: tty'],
      ['Upgrade: h2c', 'Connection: Upgrade', 'Sec-WebSocket-Protocol: tty'],
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(`${[...headers, ...extra].join('\r\n')}\r\n\r\n`);
      await once(socket.resume(), 'close');
    }
    for (let round = 0; round < 5; round++) {
      const socket = dial();
      setImmediate(() => socket.terminate());
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await until('the controller to be left alone', () =>
      controller.terminals.every(({ socket }) => socket.readyState === WebSocket.CLOSED),
    );
    const { browser } = await open();
    expect(browser.readyState).toBe(WebSocket.OPEN);
  });
});
