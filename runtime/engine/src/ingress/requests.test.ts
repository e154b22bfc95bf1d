import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, TestIngress } from '../testing/ingress-harness.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await TestIngress.start();
});
afterEach(() => ingress.close());

describe('requests made to confuse', () => {
  it.each([
    [
      'two Host headers',
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nHost: other.localhost\r\nConnection: close\r\n\r\n`,
    ],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'],
    ['a Host with a path', `GET / HTTP/1.1\r\nHost: ${HOST}/x\r\nConnection: close\r\n\r\n`],
    ['a Host with a user', `GET / HTTP/1.1\r\nHost: ${HOST}@evil\r\nConnection: close\r\n\r\n`],
    ['markup as Host', 'GET / HTTP/1.1\r\nHost: <script>\r\nConnection: close\r\n\r\n'],
    ['another host in the target', `GET http://evil/ HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'],
    ['the server as target', `OPTIONS * HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`],
    [
      'two lengths',
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`,
    ],
    ['noise', Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x0d, 0x0a, 0x0d, 0x0a])],
    [
      'an upgrade with a body',
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc`,
    ],
  ])('%s: 400, and the next one is served', async (_what, bytes) => {
    let reached = 0;
    await ingress.app((_request, response) => {
      reached += 1;
      response.end('here');
    });
    expect(await ingress.raw(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(reached).toBe(0);
    expect(await text(await ingress.ask())).toBe('here');
  });

  it('a name of an object is no host', async () => {
    for (const host of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect([400, 404]).toContain((await ingress.ask({ headers: { host } })).statusCode);
    }
  });

  it('connections cut in the middle of anything leave it standing', async () => {
    await ingress.app((request, response) => {
      request.resume();
      response.write('x');
    });
    const starts = [
      'GET',
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\n`,
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100\r\n\r\nabc`,
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ];
    await Promise.all(
      starts.map(async (bytes) => {
        const socket: Socket = connect(ingress.port, '127.0.0.1');
        socket.on('error', () => undefined);
        await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
        socket.resetAndDestroy();
      }),
    );
    expect((await ingress.ask()).statusCode).toBe(200);
  });
});
