import { problem } from '@fullstackagent/controller/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { begunStream } from './testing/begun-stream.js';
import { ControllerForTests } from './testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from './testing/portal-for-tests.js';
import { query, startPostgres, type PostgresForTests } from './testing/postgres-for-tests.js';
import { until } from './testing/until.js';

/** The portal as it is delivered: `server.js` over the built handler, a real PostgreSQL, HTTP from outside. */

const ADA = { username: 'ada', password: 'correct horse' };

describe.skipIf(!isBuilt())('the built portal (npm run build first)', () => {
  let postgres: PostgresForTests;
  let controller: ControllerForTests;
  let databaseUrl: string;
  let portal: PortalForTests;
  let ada: Visitor;

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
    databaseUrl = await postgres.database();
    portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url });
    await until('the portal to be ready', () => portal.ready).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${portal.output}`);
    });
    ada = new Visitor(portal);
    const signedUp = await ada.send('POST', '/api/auth/signup', { body: ADA });
    expect(signedUp).toMatchObject({ status: 201, json: { user: { username: 'ada', operator: true } } });
  });
  afterAll(async () => {
    await portal.remove();
    await Promise.all([postgres.remove(), controller.stop()]);
  });
  beforeEach(() => {
    controller.seen.length = 0;
  });

  const stranger = (): Visitor => new Visitor(portal);

  async function namespaceOf(username: string): Promise<string> {
    const [row] = await query(databaseUrl, 'select namespace from users where username = $1', [username]);
    return String(row?.['namespace']);
  }

  it('made the tenant of who signed up', async () => {
    const grace = stranger();
    await grace.send('POST', '/api/auth/signup', { body: { ...ADA, username: 'Grace' } });
    const namespace = await namespaceOf('grace');
    expect(controller.seen).toContainEqual(
      expect.objectContaining({
        method: 'PUT',
        url: `/v1/tenants/${namespace}`,
        body: { displayName: 'grace' },
        claims: expect.objectContaining({ name: 'grace', operator: false }) as unknown,
      }),
    );
  });

  describe('signing in', () => {
    it('answers the same for a wrong password and for somebody who is not there', async () => {
      const wrong = await stranger().send('POST', '/api/auth/login', { body: { ...ADA, password: 'wrong' } });
      const nobody = await stranger().send('POST', '/api/auth/login', {
        body: { ...ADA, username: 'nobody' },
      });
      expect(wrong.status).toBe(401);
      expect(wrong.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(nobody.text).toBe(wrong.text);
    });

    it('starts a new session and ends the one before', async () => {
      const visitor = stranger();
      await visitor.send('POST', '/api/auth/login', { body: ADA });
      const first = visitor.cookie;
      const answer = await visitor.send('POST', '/api/auth/login', { body: ADA });
      expect(answer.headers.get('set-cookie')).toMatch(/^fsa_session=[^;]+;.*HttpOnly; SameSite=Lax$/);
      expect(visitor.cookie).not.toBe(first);
      const stale = stranger();
      stale.cookie = first;
      expect((await stale.send('GET', '/api/projects')).status).toBe(401);
      expect((await visitor.send('GET', '/api/tokens')).status).toBe(200);
    });

    it('limits how often one account is tried from one address', async () => {
      await stranger().send('POST', '/api/auth/signup', { body: { ...ADA, username: 'guessed' } });
      const attempt = (): Promise<number> =>
        stranger()
          .send('POST', '/api/auth/login', { body: { username: 'guessed', password: 'wrong' } })
          .then(({ status }) => status);
      const statuses = await Promise.all(Array.from({ length: 14 }, attempt));
      expect(statuses.filter((status) => status === 401)).toHaveLength(10);
      expect(statuses.filter((status) => status === 429)).toHaveLength(4);
      const right = await stranger().send('POST', '/api/auth/login', {
        body: { ...ADA, username: 'guessed' },
      });
      expect(right).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED' } });
      expect((await stranger().send('POST', '/api/auth/login', { body: ADA })).status).toBe(200);
    });

    it('refuses what cannot be an account, beside the fields', async () => {
      const answer = await stranger().send('POST', '/api/auth/signup', {
        body: { username: 'a', password: 'b' },
      });
      expect(answer).toMatchObject({ status: 422, json: { code: 'VALIDATION_FAILED' } });
      expect((answer.json['errors'] as { field: string }[]).map(({ field }) => field)).toEqual([
        'username',
        'password',
      ]);
    });

    it('ends at signing out, with the event streams that were open', async () => {
      const visitor = stranger();
      await visitor.send('POST', '/api/auth/login', { body: ADA });
      const stream = await fetch(`${portal.address}/api/events`, { headers: { cookie: visitor.cookie } });
      const reading = await begunStream(stream);
      const cookie = visitor.cookie;
      expect((await visitor.send('POST', '/api/auth/logout')).status).toBe(204);
      expect(await reading.whole).toContain('event: snapshot');
      visitor.cookie = cookie;
      expect((await visitor.send('GET', '/api/projects')).status).toBe(401);
    });
  });

  describe('sign-up on a machine that does not keep sandboxes apart', () => {
    it.each(['none', 'gone'] as const)(
      'one of two first accounts at the same time wins (isolation: %s)',
      async (isolation) => {
        const url = await postgres.database();
        const elsewhere = await ControllerForTests.start();
        if (isolation === 'none') elsewhere.isolation = 'none';
        else await elsewhere.stop();
        const controllerUrl = isolation === 'none' ? elsewhere.url : 'http://127.0.0.1:1';
        const alone = await PortalForTests.start({ databaseUrl: url, controllerUrl });
        try {
          await until('the portal to be ready', () => alone.ready);
          const names = ['ada', 'grace', 'edsger'];
          const answers = await Promise.all(
            names.map((username) =>
              new Visitor(alone).send('POST', '/api/auth/signup', { body: { ...ADA, username } }),
            ),
          );
          expect(answers.map(({ status }) => status).sort()).toEqual(
            isolation === 'none' ? [201, 403, 403] : [201, 503, 503],
          );
          const closed = answers.find(({ status }) => status !== 201);
          expect(closed?.json['code']).toBe(isolation === 'none' ? 'SIGNUP_CLOSED' : 'NOT_READY');
          expect(await query(url, 'select operator from users')).toEqual([{ operator: true }]);
        } finally {
          await alone.remove();
          if (isolation === 'none') await elsewhere.stop();
        }
      },
    );
  });

  describe('requests that change something', () => {
    it.each<[string, Record<string, string | undefined>, string | undefined, number]>([
      ['from the portal', {}, '{"name":"t"}', 201],
      ['from another site', { origin: 'https://evil.example' }, '{"name":"t"}', 403],
      ['from another port of this machine', { origin: 'http://localhost:5173' }, '{"name":"t"}', 403],
      ['with a cookie and without an origin', { origin: undefined }, '{"name":"t"}', 403],
      ['as a form would send it', { 'content-type': 'text/plain' }, '{"name":"t"}', 400],
      ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'name=t', 400],
      [
        'as a form from another site',
        { origin: 'https://evil.example', 'content-type': 'text/plain' },
        '{}',
        403,
      ],
      ['without a body', {}, undefined, 400],
      ['that are not JSON', {}, '{"name": ', 400],
      ['of more than 2 MB', {}, `{"name":"${'x'.repeat(2.2 * 1024 * 1024)}"}`, 413],
    ])('%s', async (...[, headers, text, status]) => {
      const answer = await ada.send('POST', '/api/tokens', {
        headers,
        ...(text === undefined ? {} : { text }),
      });
      expect(answer.status).toBe(status);
      if (status !== 201) {
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(answer.json).toMatchObject({ status, detail: expect.stringMatching(/^[A-Z].*\.$/) as string });
      }
    });
  });

  describe('personal access tokens', () => {
    it('work without a cookie or an origin, and no more once they are deleted', async () => {
      const made = await ada.send('POST', '/api/tokens', { body: { name: 'ci' } });
      const { id, token } = made.json as { id: string; token: string };
      const program = (method: string, path: string, body?: unknown): Promise<{ status: number }> =>
        stranger().send(method, path, {
          body,
          headers: { origin: undefined, authorization: `Bearer ${token}` },
        });
      expect((await program('GET', '/api/platform')).status).toBe(200);
      expect((await program('POST', '/api/projects/blog/stop')).status).toBe(404);
      expect(controller.seen.map(({ url }) => url)).toContain(
        `/v1/tenants/${await namespaceOf('ada')}/projects/blog/stop`,
      );
      expect((await program('GET', '/api/tokens')).status).toBe(403);
      expect((await ada.send('GET', '/api/tokens')).text).not.toContain(token);
      expect((await ada.send('DELETE', `/api/tokens/${id}`)).status).toBe(204);
      expect((await ada.send('DELETE', `/api/tokens/${id}`)).status).toBe(404);
      expect((await program('GET', '/api/platform')).status).toBe(401);
    });

    it.each(['are deleted', 'expire'])(
      'end the streams that were opened with them when they %s',
      async (how) => {
        const made = await ada.send('POST', '/api/tokens', { body: { name: 'watch' } });
        const { id, token } = made.json as { id: string; token: string };
        const soon =
          "update personal_access_tokens set expires_at = now() + interval '5 seconds' where id = $1";
        if (how === 'expire') await query(databaseUrl, soon, [id]);
        const authorization = `Bearer ${token}`;
        const stream = await fetch(`${portal.address}/api/events`, { headers: { authorization } });
        expect(stream.status).toBe(200);
        const reading = await begunStream(stream);
        if (how === 'are deleted') expect((await ada.send('DELETE', `/api/tokens/${id}`)).status).toBe(204);
        expect(await reading.whole).toContain('event: snapshot');
      },
    );

    it('that are wrong are refused, whatever cookie is beside them, and open no page', async () => {
      const headers = { authorization: 'Bearer fsa_wrong' };
      expect((await ada.send('GET', '/api/projects', { headers })).status).toBe(401);
      expect(
        (await ada.send('GET', '/api/projects', { headers: { authorization: 'Basic eDp5' } })).status,
      ).toBe(401);
    });
  });

  describe('what is passed on to the controller', () => {
    it('is asked in the name of the person, with the request id, and answered as it was', async () => {
      const namespace = await namespaceOf('ada');
      const change = { commit: 'c0ffee', project: { id: 'my-blog', status: 'CREATING' } };
      controller.answer(`POST /v1/tenants/${namespace}/projects`, { status: 201, body: change });
      const answer = await ada.send('POST', '/api/projects', {
        body: { name: 'My Blog', database: true },
        headers: { 'x-request-id': 'req-12345678' },
      });
      expect(answer).toMatchObject({ status: 201, json: { id: 'my-blog', status: 'CREATING', ...change } });
      expect(answer.headers.get('x-request-id')).toBe('req-12345678');
      expect(controller.seen.map(({ method }) => method)).toEqual(['PUT', 'POST']);
      expect(controller.seen[1]).toMatchObject({
        requestId: 'req-12345678',
        body: { name: 'My Blog', database: true },
        claims: { name: 'ada', operator: true },
      });
    });

    it('keeps the controller’s refusals, field by field', async () => {
      const namespace = await namespaceOf('ada');
      const errors = [{ field: 'variables.0.name', message: 'No.' }];
      const refusal = problem('VALIDATION_FAILED', 'No.', { errors });
      controller.answer(`PUT /v1/tenants/${namespace}/projects/blog/environment`, {
        status: 422,
        body: refusal,
      });
      const answer = await ada.send('PUT', '/api/projects/blog/environment', { body: { variables: [] } });
      expect(answer).toMatchObject({ status: 422, json: refusal });
    });

    it('asks for a project to be removed for ever with the name that was typed, whatever that is', async () => {
      const typed = 'blog&purge=x#é ../';
      const send = (body: unknown): Promise<{ status: number; json: Record<string, unknown> }> =>
        ada.send('DELETE', '/api/projects/blog?purge=now', { body });
      expect((await send({ confirm: typed })).status).toBe(404);
      const { method, url } = controller.seen[0] ?? { method: '', url: '' };
      const asked = new URL(url, controller.url);
      expect([method, asked.pathname]).toEqual([
        'DELETE',
        `/v1/tenants/${await namespaceOf('ada')}/projects/blog`,
      ]);
      expect(Object.fromEntries(asked.searchParams)).toEqual({ purge: 'now', confirm: typed });
      controller.seen.length = 0;
      expect(await send({})).toMatchObject({ status: 422, json: { errors: [{ field: 'confirm' }] } });
      expect(controller.seen).toEqual([]);
    });

    it('is for operators alone where it is about the installation', async () => {
      const commit = 'c'.repeat(40);
      const grace = stranger();
      await grace.send('POST', '/api/auth/signup', { body: { ...ADA, username: 'barbara' } });
      controller.seen.length = 0;
      expect((await grace.send('GET', '/api/operations')).status).toBe(403);
      expect((await grace.send('POST', `/api/operations/removals/${commit}/approve`)).status).toBe(403);
      expect((await ada.send('POST', '/api/operations/removals/..%2frollout/approve')).status).toBe(404);
      expect(controller.seen).toEqual([]);
      const address = `/v1/operations/removals/${commit}/put-back`;
      controller.answer(`POST ${address}`, { status: 202, body: { commit: 'd'.repeat(40) } });
      expect(await ada.send('POST', `/api/operations/removals/${commit}/put-back`)).toMatchObject({
        status: 202,
        json: { commit: 'd'.repeat(40) },
      });
      expect(controller.seen[0]).toMatchObject({ method: 'POST', url: address, claims: { operator: true } });
    });

    it('keeps what a save made from an older version disagrees about, and never a sealed value', async () => {
      const namespace = await namespaceOf('ada');
      const path = `PATCH /v1/tenants/${namespace}/projects/blog`;
      const text = (value: string) => ({ secret: false, value }) as const;
      const conflict = {
        fields: [
          { field: 'displayName', base: text('Blog'), theirs: text('Their blog'), yours: text('My blog') },
          { field: 'variables.KEY', base: null, theirs: { secret: true }, yours: { secret: true } },
        ],
        version: 'b'.repeat(40),
        documents: { theirs: 'kind: Project\n', yours: 'kind: Project\n' },
      } as const;
      const refusal = problem('STALE_VERSION', 'Somebody changed this meanwhile.', { conflict });
      controller.answer(path, { status: 409, body: refusal });
      expect(await ada.send('PATCH', '/api/projects/blog', { body: {} })).toMatchObject({
        status: 409,
        json: refusal,
      });
      const leaking = {
        ...conflict,
        fields: [{ ...conflict.fields[1], theirs: { secret: true, value: 'x' } }],
      };
      controller.answer(path, { status: 409, body: { ...refusal, conflict: leaking } });
      expect((await ada.send('PATCH', '/api/projects/blog', { body: {} })).status).toBe(500);
      controller.answer(path, undefined);
    });

    it.each([
      ['POST', 'plan', { action: 'stop' }],
      ['GET', 'files/upload?session=main&path=a%2Fb+c&upload=abcdefgh', undefined],
      ['DELETE', 'files/upload?session=main&path=a%2Fb+c&upload=abcdefgh', undefined],
    ] as const)('passes %s …/%s on as it is', async (method, part, body) => {
      const status = method === 'DELETE' ? 204 : 200;
      const path = `/v1/tenants/${await namespaceOf('ada')}/projects/blog/${part}`;
      controller.answer(`${method} ${path}`, { status, body: { answer: part } });
      const answer = await ada.send(method, `/api/projects/blog/${part}`, { body });
      expect(answer).toMatchObject({ status, json: status === 204 ? {} : { answer: part } });
      expect(controller.seen.at(-1)).toMatchObject({ method, url: path, body, claims: { name: 'ada' } });
      controller.answer(`${method} ${path}`, undefined);
    });

    it('never says what went wrong inside', async () => {
      const namespace = await namespaceOf('ada');
      const path = `GET /v1/tenants/${namespace}/projects/blog`;
      for (const [answer, status] of [
        [{ status: 500, body: 'Error: at Object.<anonymous> (/srv/secret.js:1:1)' }, 500],
        [{ status: 401, body: problem('UNAUTHENTICATED', 'The token is not valid.') }, 500],
        ['hang up', 503],
      ] as const) {
        controller.answer(path, answer);
        const seen = await ada.send('GET', '/api/projects/blog');
        expect(seen.status).toBe(status);
        expect(seen.text).not.toMatch(/secret|Object|token/);
      }
      controller.answer(path, undefined);
    });

    it('reads again, with a token of its own, where a kept connection had just ended', async () => {
      controller.answer(`GET /v1/tenants/${await namespaceOf('ada')}/projects/blog`, 'hang up once');
      expect(await ada.send('GET', '/api/projects/blog')).toMatchObject({
        status: 404,
        json: { detail: 'There is no such project.' },
      });
    });

    it.each(['%2e%2e', 'ns-abcd1234~a%2fb', 'a%00', 'a%20', 'Blog', '..%2f..%2fplatform', 'a~b~c'])(
      'is never an address made of %s',
      async (id) => {
        const answer = await ada.send('GET', `/api/projects/${id}/environment`);
        expect(answer).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
        expect(controller.seen).toEqual([]);
      },
    );

    it.each([
      ['GET', '/api/projects/blog/plan', 405, 'does not know that method'],
      ['DELETE', '/api/projects/blog/files?path=a', 405, 'does not know that method'],
      ['GET', '/api/projects/blog/events', 404, '/api/events'],
      ['DELETE', '/api/projects/blog?purge=later', 400, 'purge=now'],
      ['DELETE', '/api/projects/blog?purge=now', 400, 'JSON document'],
      ['GET', '/api/projects/blog/nonsense', 404, 'nothing at this address'],
      ['GET', '/api/nonsense/x', 404, 'nothing at this address'],
      ['GET', '/api/projects/blog/start', 405, 'does not know that method'],
      ['PUT', '/api/projects', 405, 'does not know that method'],
      ['GET', '/api/%ff', 400, 'cannot be read'],
    ])('%s %s says in a sentence what it is not', async (...[method, path, status, detail]) => {
      const answer = await ada.send(method, path);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer).toMatchObject({
        status,
        json: { status, detail: expect.stringContaining(detail) as string },
      });
      expect(controller.seen).toEqual([]);
    });
  });

  describe('events', () => {
    it('pass through as they come, end with the controller, and are closed with the browser', async () => {
      const first = await fetch(`${portal.address}/api/events`, { headers: { cookie: ada.cookie } });
      expect(first.headers.get('content-type')).toBe('text/event-stream');
      const [upstream] = controller.streams;
      upstream?.write(': still here\n\n');
      upstream?.end('event: removed\ndata: {}\n\n');
      expect(await first.text()).toBe(
        'event: snapshot\ndata: {"type":"snapshot","projects":[]}\n\n: still here\n\nevent: removed\ndata: {}\n\n',
      );

      const broken = await fetch(`${portal.address}/api/events`, { headers: { cookie: ada.cookie } });
      const reading = await begunStream(broken);
      for (const stream of controller.streams) stream.destroy();
      expect(await reading.whole).toContain('snapshot');

      const leave = new AbortController();
      await fetch(`${portal.address}/api/events`, { headers: { cookie: ada.cookie }, signal: leave.signal });
      expect(controller.streams.size).toBe(1);
      leave.abort();
      await until('the stream to be closed at the controller', () => controller.streams.size === 0);
    });

    it('are for one namespace where one is named, and for nobody who is not signed in', async () => {
      const answer = await fetch(`${portal.address}/api/events?namespace=ns-zzzz9999`, {
        headers: { cookie: ada.cookie },
      });
      await answer.body?.cancel();
      expect(controller.seen.map(({ url }) => url)).toEqual(['/v1/events?namespace=ns-zzzz9999']);
      expect((await ada.send('GET', '/api/events?namespace=..%2f')).status).toBe(404);
      expect((await stranger().send('GET', '/api/events')).status).toBe(401);
    });
  });

  it('puts safe headers on everything', async () => {
    for (const path of ['/login', '/api/projects', '/healthz', '/nonsense']) {
      const { headers } = await stranger().send('GET', path);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('referrer-policy'), path).toBe('same-origin');
      expect(headers.get('x-request-id'), path).toMatch(/^[0-9a-f-]{36}$/);
      if (path !== '/healthz')
        expect(headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
    }
    const page = await stranger().send('GET', '/login');
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self' 'nonce-[^']+'/);
  });

  it('sends a browser that came by 127.0.0.1 to the address the cookies belong to', async () => {
    const answer = await fetch(`${portal.address}/login?next=%2F`, { redirect: 'manual' });
    expect(answer.status).toBe(307);
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(answer.headers.get('location')).toBe(`${portal.origin}/login?next=%2F`);
  });

  it('describes itself', async () => {
    const answer = await stranger().send('GET', '/api/openapi.json');
    expect(answer).toMatchObject({ status: 200, json: { openapi: '3.1.0' } });
  });
});
