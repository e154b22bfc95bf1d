import { createHash, randomBytes } from 'node:crypto';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { pollUntil } from '../files/polling.js';
import { HOST, TestIngress } from '../testing/ingress-harness.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await TestIngress.start();
});
afterEach(() => ingress.close());

describe('an app behind the ingress', () => {
  it('gets method, path, query, body and Host as they were sent', async () => {
    await ingress.app((request, response) => {
      void text(request).then((body) => {
        response.end(
          JSON.stringify({ url: request.url, method: request.method, host: request.headers.host, body }),
        );
      });
    });
    const path = '/a/../b//c%2Fd?x=1&x=%20?&empty';
    const answer = await ingress.ask({ path, method: 'PUT', body: Readable.from(['hello']) });
    expect(JSON.parse(await text(answer))).toEqual({
      url: path,
      method: 'PUT',
      host: `${HOST}:${ingress.port}`,
      body: 'hello',
    });
  });

  it('keeps the body of a DELETE that is sent in chunks', async () => {
    await ingress.app((request, response) => {
      void text(request).then((body) => response.end(`${request.method ?? ''} ${body}`));
    });
    const answer = await ingress.ask({
      method: 'DELETE',
      headers: { 'transfer-encoding': 'chunked' },
      body: Readable.from(['one', 'two']),
    });
    expect(await text(answer)).toBe('DELETE onetwo');
  });

  it('learns who asked from us, not from what the client claims', async () => {
    await ingress.app((request, response) => response.end(JSON.stringify(request.headers)));
    const answer = await ingress.ask({
      headers: {
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        forwarded: 'for=203.0.113.9',
      },
    });
    const headers = JSON.parse(await text(answer)) as Record<string, string>;
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `${HOST}:${ingress.port}`,
      'x-forwarded-port': String(ingress.port),
      'x-forwarded-proto': 'http',
    });
    expect(headers).not.toHaveProperty('forwarded');
  });

  it('answers with its own status and headers, several cookies included', async () => {
    await ingress.app((_request, response) => {
      response.writeHead(418, { 'set-cookie': ['a=1', 'b=2'], location: '/elsewhere' });
      response.end('tea');
    });
    const answer = await ingress.ask();
    expect(answer.statusCode).toBe(418);
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers.location).toBe('/elsewhere');
    expect(await text(answer)).toBe('tea');
  });

  it('sends events one by one', async () => {
    let emit: ((event: string) => void) | undefined;
    await ingress.app((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      emit = (event) => response.write(`data: ${event}\n\n`);
    });
    const answer = await ingress.ask();
    const events = answer.setEncoding('utf8')[Symbol.asyncIterator]();
    for (const event of ['first', 'second', 'third']) {
      emit?.(event);
      // The next one is only sent when this one has arrived: a buffer in between would hang here.
      expect((await events.next()).value).toBe(`data: ${event}\n\n`);
    }
    answer.destroy();
  });

  it('takes and gives 100 MB as a stream', async () => {
    await ingress.app((request, response) => {
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
    const answer = await ingress.ask({ method: 'POST', body });
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
    const server = await ingress.app((_request, response) => response.end());
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, request) => {
      socket.send(JSON.stringify([request.url, request.headers.host]));
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const client = new WebSocket(`ws://127.0.0.1:${ingress.port}/hmr?token=1`, ['vite-hmr'], {
      headers: { host: HOST },
    });
    const inbox: string[] = [];
    client.on('message', (data: Buffer) => inbox.push(data.toString('utf8')));
    await new Promise((resolve) => client.once('open', resolve));
    expect(client.protocol).toBe('vite-hmr');
    client.send('ping');
    const both = await pollUntil(() => (inbox.length === 2 ? inbox : undefined), {
      everyMs: 10,
      deadlineMs: 45_000,
    });
    expect(both).toEqual([JSON.stringify(['/hmr?token=1', HOST]), 'ping']);
    const closed = new Promise((resolve) => client.once('close', resolve));
    for (const socket of sockets.clients) socket.close(4001, 'done');
    expect(await closed).toBe(4001);
  });

  it('sees a client that goes away', async () => {
    const gone = new Promise<void>((resolve) => {
      void ingress.app((request, response) => {
        response.flushHeaders();
        request.once('close', resolve);
      });
    });
    await pollUntil(() => (ingress.targets.has(HOST) ? true : undefined), { everyMs: 5, deadlineMs: 45_000 });
    (await ingress.ask()).destroy();
    await gone;
  });

  it('that dies in the middle of an answer gives a broken answer, not silence', async () => {
    await ingress.app((_request, response) => {
      response.write('half of ');
      setImmediate(() => response.socket?.destroy());
    });
    const answer = await ingress.ask();
    await expect(text(answer)).rejects.toThrow(/aborted/);
  });

  it('is reached by clients that offer HTTP/2 on the way', async () => {
    await ingress.app((request, response) =>
      response.end(`plain, upgrade: ${request.headers.upgrade ?? 'none'}`),
    );
    const answer = await ingress.raw(
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('plain, upgrade: none');
  });

  it('is reached on either loopback address', async (context) => {
    const server = createServer((_request, response) => response.end('six'));
    ingress.servers.push(server);
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(0, '::1', () => resolve(true));
    });
    context.skip(!listening, 'there is no ::1 here');
    ingress.targets.set(HOST, { state: 'ready', port: (server.address() as AddressInfo).port });
    expect(await text(await ingress.ask())).toBe('six');
  });

  it('leaves the connection to the browser open, whatever it says of its own', async () => {
    await ingress.app((request, response) => {
      response.setHeader('connection', 'close');
      response.end(request.headers.connection);
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports: (number | undefined)[] = [];
    for (let n = 0; n < 2; n += 1) {
      const answer = await ingress.ask({ agent });
      expect(answer.headers.connection).toBe('keep-alive');
      ports.push(answer.socket.localPort);
      expect(await text(answer)).toBe('close');
    }
    expect(ports[1]).toBe(ports[0]);
    agent.destroy();
  });

  it('is found under its name in capitals, with a port and with a final dot', async () => {
    await ingress.app((_request, response) => response.end('here'));
    for (const host of [HOST, HOST.toUpperCase(), `${HOST}:80`, `${HOST}.`, `${HOST}.:3001`]) {
      const answer = await ingress.ask({ headers: { host } });
      expect([host, await text(answer)]).toEqual([host, 'here']);
    }
  });
});
