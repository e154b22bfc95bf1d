import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../contract/errors.js';
import { until } from '../shared/cluster-for-tests.js';
import { bridgeTerminal, type BridgeOptions } from './terminal.js';
import { ownSeat } from './terminal-seats.js';
import { TerminalSizes } from './terminal-sizes.js';

const TOKEN = 'a+b/c=ü';
const CREDENTIAL = Buffer.from(`user:${TOKEN}`).toString('base64');

/** ttyd as far as its protocol goes: Basic credentials at the handshake and again in the opening message, then echo. */
class TtydForTests {
  readonly server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tty' });
  readonly openings: unknown[] = [];
  readonly urls: string[] = [];
  readonly received: Buffer[] = [];
  connection: WebSocket | undefined;
  authorization: string | undefined;

  constructor() {
    this.server.on('connection', (socket, request) => {
      this.connection = socket;
      this.urls.push(request.url ?? '');
      this.authorization = request.headers.authorization;
      socket.once('message', (data) => {
        const opening = JSON.parse((data as Buffer).toString('utf8')) as { AuthToken: string };
        this.openings.push(opening);
        if (opening.AuthToken !== CREDENTIAL) {
          socket.close(1008);
          return;
        }
        socket.send(Buffer.from('1bash (sandbox)'));
        socket.on('message', (input) => {
          this.received.push(input as Buffer);
          if ((input as Buffer)[0] === 0x30) socket.send(input);
        });
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

let ttyd: TtydForTests;
let controller: WebSocketServer;
let bridged: Promise<{ code: number; reason: string }>[];
let unexpected: unknown[];
let options: Partial<BridgeOptions>;

beforeEach(async () => {
  ttyd = new TtydForTests();
  bridged = [];
  unexpected = [];
  options = {};
  controller = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tty' });
  controller.on('connection', (client) => {
    bridged.push(
      bridgeTerminal(client, {
        target: () =>
          Promise.resolve({
            address: { host: '127.0.0.1', port: ttyd.port },
            token: TOKEN,
            session: 'main-1',
          }),
        seat: ownSeat('main-1', new TerminalSizes()),
        stillAllowed: () => true,
        pingIntervalMs: 20_000,
        onUnexpected: (error) => unexpected.push(error),
        ...options,
      }),
    );
  });
  await Promise.all([once(ttyd.server, 'listening'), once(controller, 'listening')]);
});

afterEach(() => {
  for (const server of [ttyd.server, controller]) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

class Browser {
  readonly socket = new WebSocket(`ws://127.0.0.1:${(controller.address() as AddressInfo).port}/`, ['tty']);
  readonly messages: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor() {
    this.socket.on('message', (data) => this.messages.push(data as Buffer));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('error', () => undefined);
  }

  async open(
    first: string | Buffer = JSON.stringify({ AuthToken: '', columns: 120, rows: 32 }),
  ): Promise<this> {
    await once(this.socket, 'open');
    this.socket.send(first);
    return this;
  }
}

describe('opening', () => {
  test('the controller puts the credential in; the browser sends none and needs none', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    expect(ttyd.authorization).toBe(`Basic ${CREDENTIAL}`);
    expect(ttyd.openings).toEqual([{ AuthToken: CREDENTIAL, columns: 120, rows: 32 }]);
    expect(ttyd.urls).toEqual(['/ws?arg=main-1']);
  });

  test('a credential from the browser is replaced', async () => {
    const browser = await new Browser().open(
      JSON.stringify({ AuthToken: 'c3RvbGVu', columns: 80, rows: 24, extra: 1 }),
    );
    await until(() => browser.messages.length === 1, 'the title');
    expect(ttyd.openings).toEqual([{ AuthToken: CREDENTIAL, columns: 80, rows: 24 }]);
  });

  test('a size that makes no sense becomes a usual one', async () => {
    const browser = await new Browser().open(JSON.stringify({ AuthToken: '', columns: -5, rows: 'many' }));
    await until(() => browser.messages.length === 1, 'the title');
    expect(ttyd.openings).toEqual([{ AuthToken: CREDENTIAL, columns: 80, rows: 24 }]);
  });

  test.each(['not json', '0ls\n', '[1]', '"text"', 'null'])('%j is no opening message', async (first) => {
    const browser = await new Browser().open(first);
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed?.code).toBe(1008);
    expect(ttyd.openings).toEqual([]);
  });
});

describe('passing on', () => {
  test('bytes arrive as they were, in order, both ways', async () => {
    const browser = await new Browser().open();
    const bytes = Buffer.from([0x30, 0x00, 0xff, 0xfe, 0x80, 0x0a, 0xc3]);
    browser.socket.send(bytes);
    browser.socket.send(Buffer.from('1{"columns":10,"rows":5}'));
    await until(() => browser.messages.length === 2 && ttyd.received.length === 2, 'the echo');
    expect(browser.messages[1]).toEqual(bytes);
    expect(ttyd.received[1]?.toString()).toBe('1{"columns":10,"rows":5}');
  });

  test('a browser that does not read stops the sandbox, and loses nothing', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    browser.socket.pause();
    const chunk = Buffer.alloc(64 * 1024, 0x30);
    for (let index = 0; index < 800; index++) ttyd.connection?.send(chunk);
    const bridgeSide = [...controller.clients][0];
    await until(() => (bridgeSide?.bufferedAmount ?? 0) > 0, 'the bridge to fill up');
    // 50 MB wait at the sandbox: the bridge holds a few messages past its mark, not all of it.
    expect(bridgeSide?.bufferedAmount).toBeLessThan(8 * 1024 * 1024);
    expect(ttyd.connection?.bufferedAmount).toBeGreaterThan(8 * 1024 * 1024);
    browser.socket.resume();
    await until(() => browser.messages.length === 801, 'everything');
    expect(browser.messages.reduce((sum, message) => sum + message.length, 0)).toBe(800 * chunk.length + 15);
  });
});

describe('ending', () => {
  test('the shell ends: its code and reason reach the browser', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    ttyd.connection?.close(1000, 'bye');
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed).toEqual({ code: 1000, reason: 'bye' });
    expect((await bridged[0])?.code).toBe(1000);
  });

  test('the sandbox dies: the browser is told that the connection was lost', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    ttyd.connection?.terminate();
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed).toEqual({ code: 4502, reason: 'The connection to the sandbox was lost.' });
  });

  test('the browser leaves: the sandbox is told', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    browser.socket.close(1000);
    await until(() => ttyd.connection?.readyState === WebSocket.CLOSED, 'the close at the sandbox');
  });

  test('the browser vanishes: the sandbox is told', async () => {
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    browser.socket.terminate();
    await until(() => ttyd.connection?.readyState === WebSocket.CLOSED, 'the close at the sandbox');
  });

  test('nobody listens at the sandbox', async () => {
    const address = { host: '127.0.0.1', port: ttyd.port };
    options = { target: () => Promise.resolve({ address, token: TOKEN, session: 's' }) };
    await new Promise((resolve) => ttyd.server.close(resolve));
    const browser = await new Browser().open();
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed).toEqual({
      code: 4404,
      reason: 'The terminal of this sandbox does not answer yet.',
    });
  });

  test('there is no sandbox: the reason is a sentence', async () => {
    options = { target: () => Promise.reject(new AppError('NOT_READY', 'The sandbox is not running.')) };
    const browser = await new Browser().open();
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed).toEqual({ code: 4404, reason: 'The sandbox is not running.' });
  });

  test('what went wrong inside is for the log, not for the browser', async () => {
    options = { target: () => Promise.reject(new TypeError('secret detail')) };
    const browser = await new Browser().open();
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed).toEqual({ code: 4404, reason: 'The terminal cannot be reached right now.' });
    expect(unexpected).toHaveLength(1);
  });

  test('who may no longer use the terminal loses it', async () => {
    let allowed = true;
    options = { stillAllowed: () => allowed, pingIntervalMs: 100 };
    const browser = await new Browser().open();
    await until(() => browser.messages.length === 1, 'the title');
    allowed = false;
    await until(() => browser.closed !== undefined, 'the close');
    expect(browser.closed?.code).toBe(4403);
    await until(() => ttyd.connection?.readyState === WebSocket.CLOSED, 'the close at the sandbox');
  });

  test('a browser that no longer answers is given up', async () => {
    options = { pingIntervalMs: 10 };
    const browser = new Browser();
    await browser.open();
    await until(() => browser.messages.length === 1, 'the title');
    // The connection stays up and nothing comes back: a laptop lid closed.
    browser.socket.pause();
    expect((await bridged[0])?.code).toBe(1006);
  });
});
