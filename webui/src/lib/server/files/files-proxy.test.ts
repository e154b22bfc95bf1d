import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { problem } from '@fullstackagent/controller/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../config.js';
import { startServices, type Services } from '../services.js';
import { startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';
import { createFilesProxy, type FilesProxy } from './files-proxy.js';

const MEBIBYTE = 1024 * 1024;
const UPLOAD = '/api/projects/blog/files?path=a.bin&upload=abcdefgh12&size=5';
const DOWNLOAD = '/api/projects/blog/files?path=src%2Fa.bin&session=main';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

describe('files through the portal', () => {
  let folder: string;
  let postgres: PostgresForTests;
  let backend: Server;
  let serve: RequestListener;
  const seen: Seen[] = [];
  let services: Services;
  let proxy: FilesProxy;
  let portal: Server;
  let token: string;
  let cookie: string;
  let namespace: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fsa-files-'));
    await writeFile(join(folder, 'key'), '07'.repeat(32));
    postgres = await startPostgres();
    backend = createServer((request, response) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers });
      serve(request, response);
    });
    await once(backend.listen(0, '127.0.0.1'), 'listening');
    services = startServices(
      readConfig({
        DATABASE_URL: await postgres.database(),
        CONTROLLER_URL: `http://127.0.0.1:${portOf(backend)}`,
        CONTROLLER_TOKEN_KEY_FILE: join(folder, 'key'),
        LOG_LEVEL: 'silent',
      }),
    );
    await services.ready;
    const ada = await services.accounts.create({ username: 'ada', passwordHash: '-' }, 'open');
    ({ namespace } = ada);
    token = (await services.tokens.create(ada.id, { name: 'files' })).token;
    const session = await services.sessions.start(ada.id);
    cookie = `${session.name}=${session.value}`;
    proxy = createFilesProxy(services);
    portal = createServer((request, response) => {
      if (!proxy.serve(request, response)) response.writeHead(418).end();
    });
    await once(portal.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    seen.length = 0;
    serve = () => undefined;
  });
  afterAll(async () => {
    for (const server of [portal, backend]) {
      server.closeAllConnections();
      server.close();
    }
    await services.close();
    await postgres.remove();
    await rm(folder, { recursive: true });
  });

  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  const address = (path: string): string => `http://127.0.0.1:${portOf(portal)}${path}`;
  const own = (): Record<string, string> => ({ cookie, origin: services.config.origin });

  function ask(
    path: string,
    init: RequestInit & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(address(path), { headers: own(), ...init });
  }

  /** Answers as the controller does once the whole body is there, with what it received. */
  const counting: RequestListener = (request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => response.writeHead(201).end(JSON.stringify({ path: hash.digest('hex') })));
  };

  it('passes an upload on in the name of the person, with its query and its length', async () => {
    serve = counting;
    const response = await ask(UPLOAD, { method: 'PUT', body: 'bytes' });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ path: createHash('sha256').update('bytes').digest('hex') });
    const [first] = seen;
    expect(first?.url).toBe(
      `/v1/tenants/${namespace}/projects/blog/files?path=a.bin&upload=abcdefgh12&size=5`,
    );
    expect(first?.headers['content-length']).toBe('5');
    expect(first?.headers.authorization).toMatch(/^Bearer ey/);
    expect(first?.headers.cookie).toBeUndefined();
  });

  it('takes an access token, from a program that names no origin', async () => {
    serve = counting;
    const headers = { authorization: `Bearer ${token}` };
    expect((await ask(UPLOAD, { method: 'PUT', body: 'bytes', headers })).status).toBe(201);
  });

  it.each([
    ['nobody who is signed in', 401, {}],
    ['a token that is none', 401, { authorization: 'Bearer fsa_x' }],
    ['a session that is none', 401, { cookie: 'fsa_session=xxxx' }],
  ])('refuses %s', async (_who, status, headers) => {
    const origin = 'cookie' in headers ? { origin: services.config.origin } : {};
    const response = await ask(UPLOAD, { method: 'PUT', body: 'x', headers: { ...headers, ...origin } });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(seen).toEqual([]);
  });

  it.each([
    ['another site', { origin: 'http://evil.example' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['no origin, with a cookie', {}],
  ])('refuses an upload from %s', async (_where, headers) => {
    const response = await ask(UPLOAD, { method: 'PUT', body: 'x', headers: { cookie, ...headers } });
    expect(response.status).toBe(403);
    expect(seen).toEqual([]);
  });

  it('knows two methods and one address', async () => {
    const response = await ask(UPLOAD, { method: 'POST', body: 'x' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, PUT']);
    expect((await ask('/api/projects/blog/files/upload?path=a')).status).toBe(418);
    expect((await ask('/api/projects/%2e%2e%2fx/files?path=a')).status).toBe(404);
    expect(seen).toEqual([]);
  });

  it('offers a download as a file that no browser runs', async () => {
    serve = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 4, 'x-inside': '1' });
      response.end('<b/>');
    };
    const response = await ask(DOWNLOAD);
    expect(await response.text()).toBe('<b/>');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="a.bin"; filename*=UTF-8''a.bin`,
      'content-length': '4',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    });
    expect(response.headers.has('x-inside')).toBe(false);
  });

  it('names a folder for what it comes as', async () => {
    serve = (_request, response) => response.writeHead(200, { 'content-type': 'application/gzip' }).end();
    const { headers } = await ask('/api/projects/blog/files?path=src');
    expect(headers.get('content-disposition')).toContain('filename="src.tar.gz"');
  });

  it('shows the controller’s refusal in its own words', async () => {
    const refusal = problem('NOT_FOUND', 'There is no such file or folder.');
    serve = (_request, response) => response.writeHead(404).end(JSON.stringify(refusal));
    const response = await ask(DOWNLOAD);
    expect([response.status, await response.json()]).toEqual([404, refusal]);
    expect(response.headers.has('content-disposition')).toBe(false);
  });

  it('brings back an answer that comes before the upload is over', async () => {
    const refusal = problem('ACTION_NOT_ALLOWED', 'The sandbox could not do this: No space left on device');
    serve = (_request, response) => response.writeHead(409).end(JSON.stringify(refusal));
    const response = await ask(UPLOAD, { method: 'PUT', body: Buffer.alloc(40 * MEBIBYTE) });
    expect([response.status, await response.json()]).toEqual([409, refusal]);
  });

  it('says NOT_READY where nobody answers', async () => {
    serve = (request) => request.socket.destroy();
    const response = await ask(DOWNLOAD);
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'NOT_READY' }]);
  });

  it('holds little of 200 MB on their way, all three ends in this process', async () => {
    serve = counting;
    const size = 200 * MEBIBYTE;
    const chunk = Buffer.alloc(MEBIBYTE, 7);
    const upload = async (bytes: number): Promise<string> => {
      const outgoing = httpRequest(address(UPLOAD), { method: 'PUT', headers: own() });
      const answer = once(outgoing, 'response');
      await pipeline(Readable.from(repeat(chunk, bytes / chunk.length)), outgoing);
      const [incoming] = (await answer) as [IncomingMessage];
      const text = Buffer.concat((await incoming.toArray()) as Buffer[]).toString();
      return (JSON.parse(text) as { path: string }).path;
    };
    await upload(8 * MEBIBYTE);
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    const hash = await upload(size);
    clearInterval(watch);
    const whole = createHash('sha256');
    for (const part of repeat(chunk, size / chunk.length)) whole.update(part);
    expect(hash).toBe(whole.digest('hex'));
    const grown = Math.round((most - before) / MEBIBYTE);
    console.log(`200 MB through the portal: ${grown} MiB more memory at most`);
    expect(grown).toBeLessThan(64);
  });

  it('stops a sender that is faster than the sandbox', async () => {
    serve = (request) => request.pause();
    let written = 0;
    const outgoing = httpRequest(address(UPLOAD), { method: 'PUT', headers: own() });
    outgoing.on('error', () => undefined);
    const more = (): void => {
      while (written < 300 * MEBIBYTE) {
        written += MEBIBYTE;
        if (!outgoing.write(Buffer.alloc(MEBIBYTE))) return;
      }
    };
    outgoing.on('drain', more);
    more();
    const standing = await until('the upload to stand still', async () => {
      const before = written;
      await pause(300);
      return seen.length > 0 && written === before && before;
    });
    expect(standing).toBeLessThan(64 * MEBIBYTE);
    outgoing.destroy();
  });

  it('tells the controller when the browser goes away in the middle', async () => {
    let ended = false;
    let received = 0;
    serve = (request) => {
      request.on('data', (chunk: Buffer) => (received += chunk.length));
      request.on('error', () => undefined);
      request.on('close', () => (ended = !request.complete));
    };
    const outgoing = httpRequest(address(UPLOAD), { method: 'PUT', headers: own() });
    outgoing.on('error', () => undefined);
    outgoing.write('some');
    await until('the controller to have some', () => received === 4);
    outgoing.destroy();
    await until('the controller to be told', () => ended);
  });

  it('cuts a download that breaks, so that it is not taken for whole', async () => {
    serve = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/gzip' });
      response.write('some', () => response.destroy());
    };
    const response = await ask('/api/projects/blog/files?path=src');
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('ends an upload when the session that sends it ends', async () => {
    serve = (request) => request.resume();
    const outgoing = httpRequest(address(UPLOAD), { method: 'PUT', headers: own() });
    outgoing.write('some');
    await until('the controller to be asked', () => seen.length === 1);
    const answer = once(outgoing, 'response');
    services.live.end(String((await services.sessions.find(cookie))?.key));
    const [incoming] = (await answer) as [IncomingMessage];
    expect(incoming.statusCode).toBe(503);
    outgoing.destroy();
  });
});

function* repeat(chunk: Buffer, times: number): Generator<Buffer> {
  for (let index = 0; index < times; index++) yield chunk;
}
