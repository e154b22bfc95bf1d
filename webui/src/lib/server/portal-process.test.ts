import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { begunStream } from './testing/begun-stream.js';
import { ControllerForTests } from './testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from './testing/portal-for-tests.js';
import { startPostgres, type PostgresForTests } from './testing/postgres-for-tests.js';
import { until } from './testing/until.js';

/** How `server.js` starts, lives through the loss of its database, and ends. */

const ADA = { username: 'ada', password: 'correct horse' };

describe.skipIf(!isBuilt())("the built portal's process (npm run build first)", () => {
  let postgres: PostgresForTests;
  let controller: ControllerForTests;
  const portals: PortalForTests[] = [];

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
  });
  afterEach(async () => {
    await Promise.all(portals.splice(0).map((portal) => portal.remove()));
  });
  afterAll(async () => {
    await Promise.all([postgres.remove(), controller.stop()]);
  });

  async function start(env: Record<string, string> = {}): Promise<PortalForTests> {
    const databaseUrl = await postgres.database();
    const portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url, env });
    portals.push(portal);
    return portal;
  }

  async function ready(portal: PortalForTests): Promise<Visitor> {
    await until('the portal to be ready', () => portal.ready);
    const visitor = new Visitor(portal);
    expect((await visitor.send('POST', '/api/auth/signup', { body: ADA })).status).toBe(201);
    return visitor;
  }

  it.each([
    [{ PORT: 'x' }, 'PORT is not right: a whole number from 0 to 65535 is needed.'],
    [{ DATABASE_URL: '' }, 'DATABASE_URL is missing.'],
    [{ XFF_DEPTH: 'all' }, 'XFF_DEPTH is not right: a whole number from 1 to 99 is needed.'],
    [
      { ORIGIN: 'localhost' },
      'ORIGIN is not right: an address that starts with http:// or https:// is needed.',
    ],
  ])('ends with one line where %j is wrong', async (env, line) => {
    const portal = await start(env);
    expect(await portal.exit).toBe(1);
    expect(portal.output.trim()).toBe(line);
    expect(portal.ready).toBe(false);
  });

  it('ends with one line where its port is in use', async () => {
    const { port } = new URL(controller.url);
    const portal = await start({ PORT: port });
    expect(await portal.exit).toBe(1);
    expect(portal.output.trim()).toBe(`PORT ${port} is in use on 127.0.0.1.`);
  });

  it.each(['SIGTERM', 'SIGINT', 'disconnect'] as const)('ends on %s, with a stream open', async (how) => {
    const portal = await start();
    const visitor = await ready(portal);
    const stream = await fetch(`${portal.origin}/api/events`, { headers: { cookie: visitor.cookie } });
    const reading = await begunStream(stream);
    if (how === 'disconnect') portal.disconnect();
    else portal.signal(how);
    expect(await portal.exit).toBe(0);
    expect(await reading.whole).toContain('event: snapshot');
    await until('the controller to notice', () => controller.streams.size === 0);
  });

  it('says 503 while its database is away, and goes on when it is there', async () => {
    const portal = await start();
    const visitor = await ready(portal);
    await postgres.stop();
    const page = await visitor.send('GET', '/projects', { headers: { accept: 'text/html' } });
    expect(page.status).toBe(503);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.text).toContain('database cannot be reached');
    for (const answer of [
      await visitor.send('GET', '/api/projects'),
      await visitor.send('POST', '/api/auth/login', { body: ADA }),
      await new Visitor(portal).send('POST', '/api/auth/signup', { body: { ...ADA, username: 'grace' } }),
    ])
      expect(answer).toMatchObject({ status: 503, json: { code: 'NOT_READY' } });
    expect((await new Visitor(portal).send('GET', '/', { headers: { accept: 'text/html' } })).status).toBe(
      503,
    );
    expect((await new Visitor(portal).send('GET', '/healthz')).status).toBe(200);
    await postgres.start();
    await until('pages to work again', async () => (await visitor.send('GET', '/api/tokens')).status === 200);
    expect(portal.output).not.toMatch(/unhandled|uncaught|\$argon2/i);
  });

  it('waits for a database that starts later', async () => {
    const databaseUrl = await postgres.database();
    await postgres.stop();
    const portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url });
    portals.push(portal);
    const answers = async (): Promise<boolean> =>
      (await fetch(`${portal.origin}/healthz`).catch(() => undefined))?.status === 200;
    await until('the portal to listen', answers);
    const visitor = new Visitor(portal);
    expect((await visitor.send('POST', '/api/auth/signup', { body: ADA })).status).toBe(503);
    expect(portal.ready).toBe(false);
    await postgres.start();
    await ready(portal);
  });

  it('counts attempts by the address that the proxy in front of it tells', async () => {
    const portal = await start({ ADDRESS_HEADER: 'X-Forwarded-For', XFF_DEPTH: '2' });
    await until('the portal to be ready', () => portal.ready);
    const attempt = async (forwarded: string | undefined): Promise<number> => {
      const headers = { 'x-forwarded-for': forwarded };
      const body = { username: 'nobody', password: 'wrong' };
      return (await new Visitor(portal).send('POST', '/api/auth/login', { body, headers })).status;
    };
    // What a visitor puts before the proxies' own entries names nobody.
    for (let count = 0; count < 10; count++)
      expect(await attempt(`192.0.2.${count}, 203.0.113.1, 10.0.0.1`)).toBe(401);
    expect(await attempt('203.0.113.1, 10.0.0.1')).toBe(429);
    expect(await attempt('203.0.113.2, 10.0.0.1')).toBe(401);
    expect(await attempt(undefined)).toBe(500);
    expect(portal.output).toContain('ADDRESS_HEADER');
  });

  it('makes a cookie for secure pages only where ORIGIN is https', async () => {
    const portal = await start({ ORIGIN: 'https://portal.example' });
    await until('the portal to be ready', () => portal.ready);
    const answer = await new Visitor(portal).send('POST', '/api/auth/signup', {
      body: ADA,
      headers: { origin: 'https://portal.example' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-fsa_session=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });
});
