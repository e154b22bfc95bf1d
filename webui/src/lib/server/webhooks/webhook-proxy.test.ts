import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problem } from '@fullstackagent/controller/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createWebhookProxy, type WebhookProxy } from './webhook-proxy.js';

const MEBIBYTE = 1024 * 1024;

interface Seen {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

describe('a webhook of the remote', () => {
  let backend: Server;
  let portal: Server;
  let proxy: WebhookProxy;
  let status = 202;
  let answered: unknown = {};
  const seen: Seen[] = [];
  const begun: IncomingMessage[] = [];

  beforeAll(async () => {
    backend = createServer((request, response) => {
      begun.push(request);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push({ request, body: Buffer.concat(chunks) });
        const type = status < 400 ? 'application/json' : 'application/problem+json';
        response.writeHead(status, { 'content-type': type, 'set-cookie': 'a=b' });
        response.end(JSON.stringify(answered));
      });
    });
    await once(backend.listen(0, '127.0.0.1'), 'listening');
    proxy = createWebhookProxy(`http://127.0.0.1:${portOf(backend)}`);
    portal = createServer((request, response) => {
      if (!proxy.serve(request, response)) response.writeHead(418).end();
    });
    await once(portal.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    seen.length = 0;
    begun.length = 0;
    status = 202;
    answered = {};
  });
  afterAll(() => {
    for (const server of [portal, backend]) {
      server.closeAllConnections();
      server.close();
    }
  });

  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const address = (path = '/webhooks/remote'): string => `http://127.0.0.1:${portOf(portal)}${path}`;
  const send = (init: RequestInit, path?: string): Promise<Response> =>
    fetch(address(path), { method: 'POST', ...init });

  it('goes to the controller byte for byte, with its signatures and nothing else of it', async () => {
    const body = Buffer.from([0, 255, 10, 13, 123]);
    const response = await send(
      {
        body,
        headers: {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'x-hub-signature-256': 'sha256=abc',
          'x-gitlab-token': 'secret',
          'x-github-event': 'push',
          'x-request-id': 'chosen-by-them',
          authorization: 'Bearer x',
          cookie: 'fsa_session=x',
          origin: 'https://evil.example',
        },
      },
      '/webhooks/remote?anything=1',
    );
    expect(response.status).toBe(202);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    const [first] = seen;
    expect(first?.body).toEqual(body);
    expect(first?.request.url).toBe('/webhooks/remote');
    const { headers = {} } = first?.request ?? {};
    expect(Object.keys(headers).sort()).toEqual([
      'connection',
      'content-length',
      'content-type',
      'host',
      'x-gitlab-token',
      'x-hub-signature-256',
      'x-request-id',
    ]);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['x-request-id']).not.toBe('chosen-by-them');
  });

  it.each([
    ['UNAUTHENTICATED', 401],
    ['NOT_FOUND', 404],
  ] as const)('is answered with the controller’s own %s', async (code, expected) => {
    status = expected;
    answered = problem(code, 'As the controller says it.');
    const response = await send({ body: '{}' });
    expect(response.status).toBe(expected);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toEqual(answered);
  });

  it('is passed on up to 25 MB', async () => {
    expect((await send({ body: Buffer.alloc(25 * MEBIBYTE) })).status).toBe(202);
    expect(seen[0]?.body.length).toBe(25 * MEBIBYTE);
  });

  it('is refused beyond that, before anything of it went on', async () => {
    const response = await send({ body: Buffer.alloc(25 * MEBIBYTE + 1) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'TOO_LARGE' });
    expect(begun).toEqual([]);
  });

  it('is cut off beyond that where it did not say how long it is', async () => {
    const request = httpRequest(address(), { method: 'POST' });
    const response = once(request, 'response');
    // What it still sends after the answer may meet a closed connection.
    request.on('error', () => undefined);
    request.end(Buffer.alloc(25 * MEBIBYTE + 1));
    const [incoming] = (await response) as [IncomingMessage];
    expect(incoming.statusCode).toBe(413);
    incoming.resume();
    await once(incoming, 'end');
    expect(seen).toEqual([]);
  });

  it('comes with POST only, to this one address', async () => {
    const response = await fetch(address());
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    for (const path of ['/webhooks', '/webhooks/remote/x', '/webhooks/remotes'])
      expect((await send({ body: '{}' }, path)).status).toBe(418);
    expect(begun).toEqual([]);
  });

  it('hears that the platform is away', async () => {
    const away = createServer();
    await once(away.listen(0, '127.0.0.1'), 'listening');
    const port = portOf(away);
    away.close();
    await once(away, 'close');
    const alone = createWebhookProxy(`http://127.0.0.1:${port}`);
    const server = createServer((request, response) => alone.serve(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const response = await fetch(`http://127.0.0.1:${portOf(server)}/webhooks/remote`, {
      method: 'POST',
      body: '{}',
    });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'NOT_READY' });
    server.closeAllConnections();
    server.close();
  });
});
