import { createHash, randomBytes } from 'node:crypto';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { pollUntil } from '../files/polling.js';
import { freePort } from '../testing/free-port.js';
import { createIngress } from './ingress.js';
import type { Ingress, IngressTarget } from './types.js';

const HOST = 'k3x9q2mvt7ab.localhost';
let ingress: Ingress;
let targets: Map<string, IngressTarget>;
let servers: Server[];

beforeEach(async () => {
  targets = new Map();
  servers = [];
  ingress = createIngress({ lookup: (host) => targets.get(host), log: pino({ level: 'silent' }) });
  await ingress.listen(0);
});

afterEach(async () => {
  await ingress.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function app(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  targets.set(HOST, { state: 'ready', port: (server.address() as AddressInfo).port });
  return server;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Readable;
  readonly agent?: Agent;
}

function ask(asked: Asked = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port: ingress.port(),
        path: asked.path ?? '/',
        method: asked.method ?? 'GET',
        headers: { host: `${HOST}:${ingress.port()}`, ...asked.headers },
        agent: asked.agent ?? false,
      },
      resolve,
    );
    outgoing.on('error', reject);
    if (asked.body === undefined) outgoing.end();
    else pipeline(asked.body, outgoing).catch(reject);
  });
}

async function header(name: string, asked: Asked = {}): Promise<string | string[] | undefined> {
  const answer = await ask(asked);
  answer.resume();
  return answer.headers[name];
}

/** Sends bytes as they are and answers everything that comes back until the connection ends. */
async function raw(bytes: string | Buffer): Promise<string> {
  const socket = connect(ingress.port(), '127.0.0.1');
  socket.write(bytes);
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

describe('an app behind the ingress', () => {
  it('gets method, path, query, body and Host as they were sent', async () => {
    await app((request, response) => {
      void text(request).then((body) => {
        response.end(
          JSON.stringify({ url: request.url, method: request.method, host: request.headers.host, body }),
        );
      });
    });
    const path = '/a/../b//c%2Fd?x=1&x=%20?&empty';
    const answer = await ask({ path, method: 'PUT', body: Readable.from(['hello']) });
    expect(JSON.parse(await text(answer))).toEqual({
      url: path,
      method: 'PUT',
      host: `${HOST}:${ingress.port()}`,
      body: 'hello',
    });
  });

  it('keeps the body of a DELETE that is sent in chunks', async () => {
    await app((request, response) => {
      void text(request).then((body) => response.end(`${request.method ?? ''} ${body}`));
    });
    const answer = await ask({
      method: 'DELETE',
      headers: { 'transfer-encoding': 'chunked' },
      body: Readable.from(['one', 'two']),
    });
    expect(await text(answer)).toBe('DELETE onetwo');
  });

  it('learns who asked from us, not from what the client claims', async () => {
    await app((request, response) => response.end(JSON.stringify(request.headers)));
    const answer = await ask({
      headers: {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        forwarded: 'for=203.0.113.9',
      },
    });
    const headers = JSON.parse(await text(answer)) as Record<string, string>;
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `${HOST}:${ingress.port()}`,
      'x-forwarded-port': String(ingress.port()),
      'x-forwarded-proto': 'http',
    });
    expect(headers).not.toHaveProperty('forwarded');
  });

  it('answers with its own status and headers, several cookies included', async () => {
    await app((_request, response) => {
      response.writeHead(418, { 'set-cookie': ['a=1', 'b=2'], location: '/elsewhere' });
      response.end('tea');
    });
    const answer = await ask();
    expect(answer.statusCode).toBe(418);
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers.location).toBe('/elsewhere');
    expect(await text(answer)).toBe('tea');
  });

  it('sends events one by one', async () => {
    let emit: ((event: string) => void) | undefined;
    await app((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      emit = (event) => response.write(`data: ${event}\n\n`);
    });
    const answer = await ask();
    const events = answer.setEncoding('utf8')[Symbol.asyncIterator]();
    for (const event of ['first', 'second', 'third']) {
      emit?.(event);
      // The next one is only sent when this one has arrived: a buffer in between would hang here.
      expect((await events.next()).value).toBe(`data: ${event}\n\n`);
    }
    answer.destroy();
  });

  it('takes and gives 100 MB as a stream', async () => {
    await app((request, response) => {
      request.pipe(response);
    });
    const block = randomBytes(1024 * 1024);
    const sent = createHash('sha256');
    const before = process.memoryUsage().rss;
    const body = Readable.from(
      (function* () {
        for (let n = 0; n < 100; n += 1) {
          sent.update(block);
          yield block;
        }
      })(),
    );
    const answer = await ask({ method: 'POST', body });
    const received = createHash('sha256');
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      received.update(chunk);
      bytes += chunk.length;
    }
    expect(bytes).toBe(100 * 1024 * 1024);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(process.memoryUsage().rss - before, 'memory is not the size of the body').toBeLessThan(
      80 * 1024 * 1024,
    );
  });

  it('speaks WebSocket in both directions, subprotocol included, and closes with it', async () => {
    const server = await app((_request, response) => response.end());
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, request) => {
      socket.send(JSON.stringify([request.url, request.headers.host]));
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const client = new WebSocket(`ws://127.0.0.1:${ingress.port()}/hmr?token=1`, ['vite-hmr'], {
      headers: { host: HOST },
    });
    const inbox: string[] = [];
    client.on('message', (data: Buffer) => inbox.push(data.toString('utf8')));
    await new Promise((resolve) => client.once('open', resolve));
    expect(client.protocol).toBe('vite-hmr');
    client.send('ping');
    const both = await pollUntil(() => (inbox.length === 2 ? inbox : undefined), {
      everyMs: 10,
      deadlineMs: 5000,
    });
    expect(both).toEqual([JSON.stringify(['/hmr?token=1', HOST]), 'ping']);
    const closed = new Promise((resolve) => client.once('close', resolve));
    for (const socket of sockets.clients) socket.close(4001, 'done');
    expect(await closed).toBe(4001);
  });

  it('sees a client that goes away', async () => {
    const gone = new Promise<void>((resolve) => {
      void app((request, response) => {
        response.flushHeaders();
        request.once('close', resolve);
      });
    });
    await pollUntil(() => (targets.has(HOST) ? true : undefined), { everyMs: 5, deadlineMs: 5000 });
    (await ask()).destroy();
    await gone;
  });

  it('that dies in the middle of an answer gives a broken answer, not silence', async () => {
    await app((_request, response) => {
      response.write('half of ');
      setImmediate(() => response.socket?.destroy());
    });
    const answer = await ask();
    await expect(text(answer)).rejects.toThrow(/aborted/);
  });

  it('is reached by clients that offer HTTP/2 on the way', async () => {
    await app((request, response) => response.end(`plain, upgrade: ${request.headers.upgrade ?? 'none'}`));
    const answer = await raw(
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('plain, upgrade: none');
  });

  it('is reached on either loopback address', async (context) => {
    const server = createServer((_request, response) => response.end('six'));
    servers.push(server);
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(0, '::1', () => resolve(true));
    });
    context.skip(!listening, 'there is no ::1 here');
    targets.set(HOST, { state: 'ready', port: (server.address() as AddressInfo).port });
    expect(await text(await ask())).toBe('six');
  });

  it('leaves the connection to the browser open, whatever it says of its own', async () => {
    await app((request, response) => {
      response.setHeader('connection', 'close');
      response.end(request.headers.connection);
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports: (number | undefined)[] = [];
    for (let n = 0; n < 2; n += 1) {
      const answer = await ask({ agent });
      expect(answer.headers.connection).toBe('keep-alive');
      ports.push(answer.socket.localPort);
      expect(await text(answer)).toBe('close');
    }
    expect(ports[1]).toBe(ports[0]);
    agent.destroy();
  });

  it('is found under its name in capitals, with a port and with a final dot', async () => {
    await app((_request, response) => response.end('here'));
    for (const host of [HOST, HOST.toUpperCase(), `${HOST}:80`, `${HOST}.`, `${HOST}.:3001`]) {
      const answer = await ask({ headers: { host } });
      expect([host, await text(answer)]).toEqual([host, 'here']);
    }
  });
});

describe('the ingress itself answers', () => {
  const html = { accept: 'text/html,application/xhtml+xml' };

  it('404 for a host nobody has, without letting its name become markup', async () => {
    const answer = await ask({ headers: { host: 'nobody.localhost', ...html } });
    expect(answer.statusCode).toBe(404);
    expect(await text(answer)).toContain('nobody.localhost');
  });

  it('503 with the reason while a sandbox starts, and looks again', async () => {
    targets.set(HOST, { state: 'waiting', message: '<img src=x onerror=alert(1)> & "co" is starting.' });
    const answer = await ask({ headers: html });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    const body = await text(answer);
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot; is starting.');
    expect(body).toContain('<meta http-equiv="refresh" content="2">');
  });

  it('502 that says what to start while nothing listens', async () => {
    targets.set(HOST, { state: 'ready', port: await freePort() });
    const answer = await ask({ headers: html });
    expect(answer.statusCode).toBe(502);
    const body = await text(answer);
    expect(body).toContain('Nothing is listening on $PORT yet');
    expect(body).toContain('npx serve -l $PORT');
  });

  it('with the one style its policy allows, and nothing else that is active', async () => {
    const answer = await ask({ headers: { host: 'nobody.localhost', ...html } });
    const policy = String(answer.headers['content-security-policy']);
    const style = /<style>([^]*)<\/style>/.exec(await text(answer))?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(policy).not.toContain('unsafe');
  });

  it.each([
    ['application/json', 'application/problem+json'],
    ['application/problem+json', 'application/problem+json'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['text/html', 'text/html; charset=utf-8'],
  ])('to %s with %s', async (accept, type) => {
    expect(await header('content-type', { headers: { host: 'nobody.localhost', accept } })).toBe(type);
  });

  it('a WebSocket to nowhere with a status', async () => {
    targets.set(HOST, { state: 'ready', port: await freePort() });
    const client = new WebSocket(`ws://127.0.0.1:${ingress.port()}/`, { headers: { host: HOST } });
    const status = new Promise((resolve) => {
      client.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(await status).toBe(502);
  });

  it('again as the app as soon as it is there', async () => {
    const port = await freePort();
    targets.set(HOST, { state: 'ready', port });
    expect((await ask()).statusCode).toBe(502);
    const server = createServer((_request, response) => response.end('up'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await text(await ask())).toBe('up');
  });
});

describe('an app that is for members', () => {
  const SIGN_IN = 'http://localhost:3000/sign-in';
  let asked: IncomingMessage[];
  let answer: { status: number; headers?: Record<string, string> };

  beforeEach(async () => {
    asked = [];
    answer = { status: 204 };
    await app((request, response) => {
      response.setHeader('set-cookie', 'theme=dark');
      request.pipe(response);
    });
    const port = (targets.get(HOST) as { port: number }).port;
    const members = createServer((request, response) => {
      asked.push(request);
      const known = request.headers.cookie?.includes('member=ada') === true;
      response.writeHead(known ? 200 : answer.status, answer.headers).end();
    });
    servers.push(members);
    await new Promise<void>((resolve) => members.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(members.address() as AddressInfo).port}/may`;
    targets.set(HOST, { state: 'ready', port, auth: { url, signIn: SIGN_IN } });
  });

  const askedFor = (): unknown => asked.at(-1)?.headers['x-original-url'];

  it('sends who is not signed in to sign in, and says where to come back to', async () => {
    answer = { status: 401 };
    const refused = await ask({ path: '/a?b=%2F&c=d' });
    refused.resume();
    const here = `http://${HOST}:${ingress.port()}/a?b=%2F&c=d`;
    expect(refused.statusCode).toBe(302);
    expect(refused.headers.location).toBe(`${SIGN_IN}?rd=${encodeURIComponent(here)}`);
    expect(askedFor()).toBe(here);
  });

  it('lets a member pass, with the body, and asks without it', async () => {
    const body = Readable.from([Buffer.alloc(300_000, 'x')]);
    const passed = await ask({ method: 'POST', headers: { cookie: 'member=ada' }, body });
    expect(await text(passed)).toHaveLength(300_000);
    expect(asked[0]).toMatchObject({ method: 'GET', headers: { 'x-original-method': 'POST' } });
    expect(asked[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  it('passes on the cookie that whoever was asked sets, beside those of the app', async () => {
    answer = { status: 200, headers: { 'set-cookie': 'member=ada; HttpOnly' } };
    expect(await header('set-cookie')).toEqual(['member=ada; HttpOnly', 'theme=dark']);
  });

  it('is closed to who is no member, and where nobody answers or the answer is none', async () => {
    const statusFor = async (status: number, location?: string): Promise<number | undefined> => {
      answer = { status, headers: location === undefined ? {} : { location } };
      const refused = await ask();
      refused.resume();
      return refused.statusCode;
    };
    expect(await statusFor(403)).toBe(403);
    expect(await statusFor(500)).toBe(503);
    // A redirect is what a proxy in between would answer, and no permission.
    expect(await statusFor(302, 'http://elsewhere')).toBe(503);
    const { port } = targets.get(HOST) as { port: number };
    const url = `http://127.0.0.1:${await freePort()}/`;
    targets.set(HOST, { state: 'ready', port, auth: { url, signIn: undefined } });
    expect(await statusFor(200)).toBe(503);
  });

  it('asks for WebSockets too', async () => {
    answer = { status: 401 };
    const upgrade = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    expect(await raw(upgrade)).toMatch(/^HTTP\/1\.1 401 /);
    expect(asked).toHaveLength(1);
  });
});

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
    await app((_request, response) => {
      reached += 1;
      response.end('here');
    });
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(reached).toBe(0);
    expect(await text(await ask())).toBe('here');
  });

  it('a name of an object is no host', async () => {
    for (const host of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect([400, 404]).toContain((await ask({ headers: { host } })).statusCode);
    }
  });

  it('connections cut in the middle of anything leave it standing', async () => {
    await app((request, response) => {
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
        const socket: Socket = connect(ingress.port(), '127.0.0.1');
        socket.on('error', () => undefined);
        await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
        socket.resetAndDestroy();
      }),
    );
    expect((await ask()).statusCode).toBe(200);
  });
});
