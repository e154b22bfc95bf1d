import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ControllerForTests } from './testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from './testing/portal-for-tests.js';
import { query, startPostgres, type PostgresForTests } from './testing/postgres-for-tests.js';
import { until } from './testing/until.js';

const PASSWORD = 'correct horse';
const ID = '0123456789abcdef';

describe.skipIf(!isBuilt())('the remote in the API of the built portal (npm run build first)', () => {
  let postgres: PostgresForTests;
  let controller: ControllerForTests;
  let portal: PortalForTests;
  let operator: Visitor;
  let grace: Visitor;
  let ofGrace: string;

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
    const databaseUrl = await postgres.database();
    portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url });
    await until('the portal to be ready', () => portal.ready);
    operator = await signedUp('ada');
    grace = await signedUp('grace');
    const [row] = await query(databaseUrl, "select namespace from users where username = 'grace'");
    ofGrace = `/v1/tenants/${String(row?.['namespace'])}/projects/blog/proposals`;
  });
  afterAll(async () => {
    await portal.remove();
    await Promise.all([postgres.remove(), controller.stop()]);
  });
  beforeEach(() => {
    controller.seen.length = 0;
  });

  async function signedUp(username: string): Promise<Visitor> {
    const visitor = new Visitor(portal);
    const answer = await visitor.send('POST', '/api/auth/signup', { body: { username, password: PASSWORD } });
    expect(answer.status).toBe(201);
    return visitor;
  }

  const seen = (): string[] => controller.seen.map(({ method, url }) => `${method} ${url}`);

  it.each([
    ['GET', '/api/remote'],
    ['POST', '/api/remote/sync'],
    ['POST', '/api/remote/accept-upstream'],
    ['POST', '/api/remote/keep-rendered'],
    ['GET', '/api/proposals'],
    ['POST', `/api/proposals/${ID}/accept`],
    ['POST', `/api/proposals/${ID}/dismiss`],
  ])('is for operators: %s %s', async (method, path) => {
    const address = `${method} ${path.replace('/api/', '/v1/')}`;
    expect((await new Visitor(portal).send(method, path)).status).toBe(401);
    expect((await grace.send(method, path)).status).toBe(403);
    expect(seen()).toEqual([]);
    controller.answer(address, { status: 200, body: { answer: address } });
    const answer = await operator.send(method, path);
    expect(answer.json).toEqual({ answer: address });
    expect(answer.status).toBe(/accept$|dismiss$/.test(path) ? 202 : 200);
    expect(seen()).toEqual([address]);
    expect(controller.seen[0]?.claims).toMatchObject({ name: 'ada', operator: true });
  });

  it.each([
    ['GET', '', 200],
    ['POST', `/${ID}/accept`, 202],
    ['POST', `/${ID}/dismiss`, 202],
  ])('lets the people of a project decide about theirs: %s %s', async (method, rest, status) => {
    const address = `${method} ${ofGrace}${rest}`;
    controller.answer(address, { status: 200, body: { answer: address } });
    const answer = await grace.send(method, `/api/projects/blog/proposals${rest}`);
    expect(answer).toMatchObject({ status, json: { answer: address } });
    expect(controller.seen[0]?.claims).toMatchObject({ name: 'grace', operator: false });
  });

  it.each(['..%2fremote', 'x', ID.toUpperCase(), `${ID}0`])('sends %s on as no id', async (id) => {
    expect((await operator.send('POST', `/api/proposals/${id}/accept`)).status).toBe(404);
    expect((await operator.send('POST', `/api/projects/blog/proposals/${id}/accept`)).status).toBe(404);
    expect(seen()).toEqual([]);
  });

  it('takes no decision that another site makes a browser send', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await operator.send('POST', '/api/remote/sync', { headers })).status).toBe(403);
    expect(seen()).toEqual([]);
  });
});
