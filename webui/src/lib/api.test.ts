import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { api, fieldErrors, generalError, isCode, messageOf, standingErrors, type Result } from './api.js';
import { problem } from '@fullstackagent/controller/contract';

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

describe('standingErrors', () => {
  const sent = {
    name: '✨',
    database: true,
    env: [
      { name: 'A', value: '1' },
      { name: '2B', value: '' },
    ],
  };
  const standing = (field: string, now: unknown): boolean =>
    field in standingErrors({ [field]: 'No.' }, sent, now);

  it.each<[string, unknown, boolean]>([
    ['name', { ...sent, database: false }, true],
    ['name', { ...sent, name: 'Plain App' }, false],
    ['env.1.name', { ...sent, name: 'Plain App' }, true],
    ['env.1.name', { ...sent, env: [sent.env[0], { name: '2B', value: 'typed' }] }, true],
    ['env.1.name', { ...sent, env: [sent.env[0], { name: 'B2', value: '' }] }, false],
    ['env.1.name', { ...sent, env: [sent.env[1]] }, false],
    ['env.1.sealed', { ...sent, env: [sent.env[0], { name: '2B', value: 'typed' }] }, false],
    ['env.1.sealed', { ...sent, name: 'Plain App' }, true],
    ['env', { ...sent, env: [] }, false],
    ['database.version', { ...sent, name: 'Plain App' }, true],
    ['database.version', { ...sent, database: false }, false],
    ['preset', { ...sent, name: 'Plain App' }, true],
    ['preset', { ...sent, preset: 'small' }, false],
    ['toString', sent, true],
  ])('beside %s, with %j in the form: %s', (field, now, stands) => {
    expect(standing(field, now)).toBe(stands);
  });
});

describe('generalError', () => {
  it('is what is said beside no field', () => {
    const failure = (errors: { field: string; message: string }[]) =>
      ({ kind: 'problem', problem: problem('VALIDATION_FAILED', 'Not right.', { errors }) }) as const;
    expect(generalError(failure([]))).toBe('Not right.');
    expect(generalError(failure([{ field: 'name', message: 'No.' }]))).toBeUndefined();
    expect(generalError(undefined)).toBeUndefined();
  });
});
