import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { api, fieldErrors, isCode, messageOf, type Result } from './api.js';

let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const failureOf = (result: Result<unknown>) => {
  if (result.ok) throw new Error('it worked');
  return result.failure;
};

describe('api', () => {
  it('sends JSON and reads JSON', async () => {
    const base = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () =>
        response.end(JSON.stringify({ method: request.method, body: JSON.parse(body) as unknown })),
      );
    });
    expect(await api('POST', base, { a: 1 })).toEqual({
      ok: true,
      value: { method: 'POST', body: { a: 1 } },
    });
  });

  it('reads a problem with its fields and the id of the request', async () => {
    const base = await serve((_request, response) => {
      response.writeHead(422, { 'content-type': 'application/problem+json', 'x-request-id': 'r-1' });
      const errors = [
        { field: 'env.2.name', message: 'first' },
        { field: 'env.2.name', message: 'second' },
      ];
      response.end(JSON.stringify({ code: 'VALIDATION_FAILED', detail: 'Look again.', status: 422, errors }));
    });
    const failure = failureOf(await api('GET', base));
    expect(isCode(failure, 'VALIDATION_FAILED')).toBe(true);
    expect(failure).toMatchObject({ requestId: 'r-1' });
    expect(messageOf(failure)).toBe('Look again.');
    expect(fieldErrors(failure)).toEqual({ 'env.2.name': 'first' });
  });

  it('keeps an answer of something else in between apart from our own', async () => {
    const base = await serve((_request, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'));
    expect(messageOf(failureOf(await api('GET', base)))).toMatch(/502/);
  });

  it('says when nobody answered', async () => {
    const base = await serve((request) => request.socket.destroy());
    const failure = failureOf(await api('GET', base));
    expect(failure.kind).toBe('network');
    expect(fieldErrors(failure)).toEqual({});
  });

  it('takes an answer without a body', async () => {
    const base = await serve((_request, response) => response.writeHead(204).end());
    expect(await api('DELETE', base)).toEqual({ ok: true, value: undefined });
  });
});
