import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HistoryDto, ManifestsDto, ProjectDto } from '../contract/projects.js';
import { until } from '../shared/cluster-for-tests.js';
import {
  ControllerForTests,
  NAMESPACE,
  people,
  SECRETS,
  tokenOf,
  type Person,
  type TokenChanges,
} from './controller-for-tests.js';

const PROJECTS = `/v1/tenants/${NAMESPACE}/projects`;

let controller: ControllerForTests;

beforeAll(async () => {
  controller = await ControllerForTests.start();
  await controller.createProject({ name: 'Shared', database: true, env: [{ name: 'PLAIN', value: 'a' }] });
});
afterAll(async () => {
  await controller.stop();
});

const asJson = (token: string): { headers: Record<string, string> } => ({
  headers: { Authorization: `Bearer ${token}` },
});

describe('who is asking', () => {
  const now = Math.floor(Date.now() / 1000);
  const bad: [string, TokenChanges][] = [
    ['expired', { issuedAt: now - 200, expiresAt: now - 100 }],
    ['older than a token may be', { issuedAt: now - 200, expiresAt: now + 100 }],
    ['signed with another key', { key: Buffer.alloc(32, 8) }],
    ['for another audience', { audience: 'portal' }],
    ['from another issuer', { issuer: 'somebody' }],
  ];
  test.each(bad)('a token that is %s', async (_what, changes) => {
    const answer = await controller.call('GET', PROJECTS, asJson(await tokenOf('owner', changes)));
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test.each(['', 'Bearer', 'Bearer x', 'Basic dTpw', 'Bearer a.b.c'])(
    'Authorization: %j',
    async (authorization) => {
      const answer = await controller.call('GET', PROJECTS, { headers: { Authorization: authorization } });
      expect(answer.status).toBe(401);
    },
  );

  test('a token is taken once, whatever it is brought for', async () => {
    const token = await tokenOf('owner');
    const statuses: number[] = [];
    for (const path of [PROJECTS, PROJECTS, `${PROJECTS}/shared/files?path=a`])
      statuses.push((await controller.call('GET', path, asJson(token))).status);
    expect(statuses).toEqual([200, 401, 401]);
    expect((await controller.call('GET', PROJECTS, { as: 'owner' })).status).toBe(200);
  });

  test('of one token brought twice at once, one is taken', async () => {
    const token = await tokenOf('owner');
    const answers = await Promise.all([1, 2, 3].map(() => controller.call('GET', PROJECTS, asJson(token))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
  });

  test('a token without an id, or with one that is too long to remember', async () => {
    for (const id of [undefined, 'x', 'x'.repeat(10_000)]) {
      const answer = await controller.call('GET', PROJECTS, asJson(await tokenOf('owner', { id })));
      expect(answer.status).toBe(401);
    }
  });

  test('a token without a signature', async () => {
    const [, payload] = (await tokenOf('owner')).split('.');
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    const answer = await controller.call('GET', PROJECTS, asJson(`${header}.${payload ?? ''}.x`));
    expect(answer.status).toBe(401);
  });
});

describe('who may do what', () => {
  const read = 'read' as const;
  const change = 'change' as const;
  const routes: [string, string, typeof read | typeof change, unknown?][] = [
    ['GET', '', read],
    ['GET', '/shared', read],
    ['GET', '/shared/environment', read],
    ['GET', '/shared/workspace', read],
    ['GET', '/shared/workspace/clone', read],
    ['GET', '/shared/history', read],
    ['GET', '/shared/manifests', read],
    ['GET', '/shared/database', read],
    ['POST', '', change, { name: '' }],
    ['PATCH', '/shared', change, { displayName: '' }],
    ['PUT', '/shared/environment', change, { variables: 'none' }],
    ['PUT', '/shared/workspace', change, { workspace: 'none' }],
    ['POST', '/shared/restore', change],
    ['POST', '/shared/database/reveal', change],
  ];
  const people: Record<Person, { read: number; change: 'allowed' | number }> = {
    owner: { read: 200, change: 'allowed' },
    maintainer: { read: 200, change: 'allowed' },
    viewer: { read: 200, change: 403 },
    operator: { read: 200, change: 403 },
    stranger: { read: 404, change: 404 },
  };
  const cases = Object.entries(people).flatMap(([person, allowed]) =>
    routes.map((route) => ({
      person: person as Person,
      allowed,
      method: route[0],
      path: route[1],
      need: route[2],
      body: route[3],
    })),
  );

  test.each(cases)(
    '$person: $method …/projects$path',
    async ({ person, allowed, method, path, need, body }) => {
      const answer = await controller.call(method, PROJECTS + path, {
        as: person,
        body: body ?? (method === 'GET' ? undefined : {}),
      });
      const expected = allowed[need];
      // Where a change is allowed the request itself is what is wrong: the refusal comes after the right was granted.
      if (expected === 'allowed') expect([409, 422, 503]).toContain(answer.status);
      else expect(answer.status).toBe(expected);
    },
  );

  test('a namespace that is not there looks the same as one of somebody else', async () => {
    const there = await controller.call('GET', PROJECTS, { as: 'stranger' });
    const nowhere = await controller.call('GET', '/v1/tenants/ns-zzzzzzzz/projects', { as: 'stranger' });
    expect(nowhere.json).toEqual(there.json);
  });

  test("a tenant: made once, mine again, not somebody else's", async () => {
    const path = '/v1/tenants/ns-new00000';
    const body = { displayName: 'Mine' };
    const created = await controller.call('PUT', path, { as: 'stranger', body });
    expect(created.status).toBe(200);
    expect(created.json['commit']).toMatch(/^[0-9a-f]{40}$/);
    expect((await controller.call('PUT', path, { as: 'stranger', body })).json).toEqual({});
    expect((await controller.call('PUT', path, { as: 'owner', body })).status).toBe(403);
    expect((await controller.call('GET', `${path}/projects`, { as: 'stranger' })).json).toEqual({
      projects: [],
    });
  });
});

describe('what cannot be read or is not right', () => {
  const requests: [string, { method: string; path: string; body?: unknown }, number, string][] = [
    ['no route', { method: 'GET', path: '/v1/nothing' }, 404, 'NOT_FOUND'],
    ['no project', { method: 'GET', path: `${PROJECTS}/nothing` }, 404, 'NOT_FOUND'],
    ['no address', { method: 'GET', path: `${PROJECTS}/%E0%A4%A` }, 400, 'BAD_REQUEST'],
    ['no JSON', { method: 'POST', path: PROJECTS, body: '{"name":' }, 400, 'BAD_REQUEST'],
    ['too much', { method: 'POST', path: PROJECTS, body: { name: 'x'.repeat(2_200_000) } }, 413, 'TOO_LARGE'],
    ['no such action', { method: 'POST', path: `${PROJECTS}/shared/explode`, body: {} }, 404, 'NOT_FOUND'],
    [
      'purge without its name typed',
      { method: 'DELETE', path: `${PROJECTS}/shared?purge=now` },
      422,
      'VALIDATION_FAILED',
    ],
    [
      'bad page',
      { method: 'GET', path: `${PROJECTS}/shared/history?before=--all` },
      422,
      'VALIDATION_FAILED',
    ],
  ];
  test.each(requests)('%s', async (_what, { method, path, body }, ...[status, code]) => {
    const answer = await controller.call(method, path, { as: 'owner', body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ code, status });
  });

  test('a body that is not JSON by its own word', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const answer = await controller.call('POST', PROJECTS, { as: 'owner', body: 'name: x', headers });
    expect(answer.json).toMatchObject({ code: 'BAD_REQUEST' });
  });

  const refusedBodies: [object, string][] = [
    [{ name: '' }, 'name'],
    [{ name: '日本' }, 'name'],
    [{ name: 'default' }, 'name'],
    [{ name: 5 }, 'name'],
    [{ name: 'ok', nmae: 'x' }, 'nmae'],
    [
      {
        name: 'ok',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
          { name: '1C', value: '3' },
        ],
      },
      'env.2.name',
    ],
    [{ name: 'ok', env: [{ name: 'A', value: 'a\0b' }] }, 'env.0.value'],
    [{ name: 'ok', env: [{ name: 'DATABASE_URL', value: 'x' }] }, 'env.0.name'],
    [{ name: 'ok', env: [{ name: 'A', value: 'x'.repeat(70_000) }] }, 'env.0.value'],
    [{ name: 'ok', database: { version: 5 } }, 'database.version'],
  ];
  test.each(
    refusedBodies.map(([body, field]) => ({ body, field, shown: JSON.stringify(body).slice(0, 80) })),
  )('$shown: a message beside $field', async ({ body, field }) => {
    const answer = await controller.call('POST', PROJECTS, { as: 'owner', body });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect((answer.json['errors'] as { field: string }[]).map((error) => error.field)).toContain(field);
  });

  test.each([
    [
      {
        variables: [
          { name: 'A', value: '1' },
          { name: 'B-', value: '2' },
        ],
      },
      'variables.1.name',
    ],
    [{ variables: [{ name: 'A' }] }, 'variables.0.value'],
    [{ variables: [{ name: 'A-', secret: true, unchanged: true }] }, 'variables.0.name'],
  ])('environment %j: a message beside %s', async (body, field) => {
    const answer = await controller.call('PUT', `${PROJECTS}/shared/environment`, { as: 'owner', body });
    expect((answer.json['errors'] as { field: string }[]).map((error) => error.field)).toEqual([field]);
  });

  test.each([
    [{ repository: { url: 'https://ada:word@github.com/x/y' } }, 'workspace.repository.url'],
    [{ repository: { url: 'https://github.com/x/y', branch: '-x' } }, 'workspace.repository.branch'],
    [{ systemPrompt: 'x'.repeat(17_000) }, 'workspace.systemPrompt'],
    [{ git: { email: 'nobody' } }, 'workspace.git.email'],
  ])('workspace %j: a message beside %s, in a change and with a new project', async (workspace, field) => {
    const changed = await controller.call('PUT', `${PROJECTS}/shared/workspace`, {
      as: 'owner',
      body: { workspace },
    });
    const created = await controller.call('POST', PROJECTS, { as: 'owner', body: { name: 'x', workspace } });
    for (const { json } of [changed, created])
      expect((json['errors'] as { field: string }[]).map((error) => error.field)).toEqual([field]);
  });

  test.each([
    ['kept', 'abc-123.DEF_9', true],
    ['too short', 'abc', false],
    ['with spaces', 'abc def ghi jkl', false],
  ])('a request id that is %s', async (_what, id, kept) => {
    const answer = await controller.call('GET', '/healthz', { headers: { 'X-Request-Id': id } });
    expect(answer.headers.get('x-request-id') === id).toBe(kept);
    expect(answer.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{8,64}$/);
  });

  test('nothing was written by any of this', async () => {
    const { json } = await controller.call('GET', PROJECTS, { as: 'owner' });
    expect((json['projects'] as ProjectDto[]).map((project) => project.id)).toEqual(['shared']);
  });
});

describe("a project's life, as commits", () => {
  test('create, change, history, manifests', async () => {
    const created = await controller.call('POST', PROJECTS, {
      as: 'maintainer',
      body: {
        name: 'My Blog',
        description: 'd',
        env: [
          { name: 'A', value: '1' },
          { name: 'KEY', value: 's3cret', secret: true },
        ],
      },
      headers: { 'X-Request-Id': 'request-0001' },
    });
    expect(created.status).toBe(201);
    const project = created.json['project'] as ProjectDto;
    expect(project).toMatchObject({
      id: 'my-blog',
      displayName: 'My Blog',
      desiredState: 'Running',
      status: 'CREATING',
    });
    expect(project.urls.app).toMatch(/^http:\/\/[a-z0-9]{12}\.localhost:8088$/);
    expect(project.urls.terminal).toMatch(/^http:\/\/[a-z0-9]{12}-ttyd\.localhost:8088$/);

    const environment = await controller.call('GET', `${PROJECTS}/my-blog/environment`, { as: 'viewer' });
    expect(environment.json['variables']).toEqual([
      { name: 'A', secret: false, value: '1' },
      { name: 'KEY', secret: true },
    ]);
    expect(environment.text).not.toContain('s3cret');

    const patched = await controller.call('PATCH', `${PROJECTS}/my-blog`, {
      as: 'owner',
      body: { displayName: 'Blog 2' },
    });
    expect(patched.json['project']).toMatchObject({ displayName: 'Blog 2' });

    await until2(async () => {
      const { commits } = (await controller.call('GET', `${PROJECTS}/my-blog/history`, { as: 'viewer' }))
        .json as unknown as HistoryDto;
      return commits.length === 2 && commits.every((commit) => commit.renderedCommit !== undefined);
    }, 'both commits to be rendered');
    const history = (await controller.call('GET', `${PROJECTS}/my-blog/history?limit=1`, { as: 'viewer' }))
      .json as unknown as HistoryDto;
    expect(history.commits[0]).toMatchObject({ commit: patched.json['commit'], author: 'The owner' });
    const next = (
      await controller.call('GET', `${PROJECTS}/my-blog/history?limit=1&before=${history.next ?? ''}`, {
        as: 'viewer',
      })
    ).json as unknown as HistoryDto;
    expect(next.commits[0]).toMatchObject({
      commit: created.json['commit'],
      author: 'The maintainer',
      action: 'create',
    });
    expect(next.next).toBeUndefined();

    const manifests = (await controller.call('GET', `${PROJECTS}/my-blog/manifests`, { as: 'viewer' }))
      .json as unknown as ManifestsDto;
    expect(manifests.files.some((file) => file.content.includes('kind: StatefulSet'))).toBe(true);
    expect(JSON.stringify(manifests)).not.toContain('s3cret');
    expect(controller.logged.join('')).not.toContain('s3cret');
  });

  test('a name that is taken, a form that is old', async () => {
    const taken = await controller.call('POST', PROJECTS, { as: 'owner', body: { name: 'Shared' } });
    expect(taken.json).toMatchObject({ code: 'NAME_TAKEN', status: 409 });
    const stale = await controller.call('PATCH', `${PROJECTS}/shared`, {
      as: 'owner',
      body: { displayName: 'Other', version: '0'.repeat(40) },
    });
    expect(stale.json).toMatchObject({ code: 'STALE_VERSION', status: 409 });
  });

  test('delete, not twice the same, restore', async () => {
    await controller.createProject({ name: 'Short' });
    const path = `${PROJECTS}/short`;
    const deleted = await controller.call('DELETE', path, { as: 'owner' });
    expect(deleted.status).toBe(202);
    const project = deleted.json['project'] as ProjectDto;
    expect(project).toMatchObject({ desiredState: 'Deleted', allowedActions: ['restore'] });
    expect(Date.parse(project.restorableUntil ?? '') - Date.parse(project.deletedAt ?? '')).toBe(
      14 * 24 * 60 * 60 * 1000,
    );
    expect((await controller.call('POST', `${path}/start`, { as: 'owner' })).json).toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
    });
    const again = await controller.call('DELETE', path, { as: 'owner' });
    expect(again.status).toBe(202);
    const restored = await controller.call('POST', `${path}/restore`, { as: 'owner' });
    expect(restored.json['project']).toMatchObject({ desiredState: 'Running' });
  });

  test('pressed twice: the second changes nothing', async () => {
    await controller.createProject({ name: 'Twice' });
    const stop = await controller.call('POST', `${PROJECTS}/twice/stop`, { as: 'owner' });
    const again = await controller.call('POST', `${PROJECTS}/twice/stop`, { as: 'owner' });
    expect([stop.status, again.status]).toEqual([202, 202]);
    expect((again.json['project'] as ProjectDto).version).toBe((stop.json['project'] as ProjectDto).version);
  });
});

describe('the database', () => {
  test('is only there where there is one', async () => {
    await controller.createProject({ name: 'Plain' });
    expect((await controller.call('GET', `${PROJECTS}/plain/database`, { as: 'owner' })).json).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('its password is shown on request, and who asked is logged without it', async () => {
    const data = {
      username: Buffer.from('postgres').toString('base64'),
      password: Buffer.from('pa55word').toString('base64'),
    };
    controller.cluster.put(SECRETS, {
      metadata: { name: 'shared--db-postgresql-account-postgres', namespace: NAMESPACE },
      data,
    });
    const shown = await controller.call('GET', `${PROJECTS}/shared/database`, { as: 'viewer' });
    expect(shown.json).not.toHaveProperty('password');
    const revealed = await controller.call('POST', `${PROJECTS}/shared/database/reveal`, {
      as: 'maintainer',
      body: {},
    });
    expect(revealed.json).toMatchObject({ password: 'pa55word' });
    expect(revealed.headers.get('cache-control')).toBe('no-store');
    const audit = controller.logged.filter((line) => line.includes('database-password-revealed'));
    expect(audit).toHaveLength(1);
    expect(audit[0]).toContain(people.maintainer);
    expect(controller.logged.join('')).not.toContain('pa55word');
  });
});

test('what serves: health, readiness, metrics, and the installation', async () => {
  expect((await controller.call('GET', '/healthz')).status).toBe(200);
  expect((await controller.call('GET', '/readyz')).status).toBe(200);
  const metrics = (await controller.call('GET', '/metrics')).text;
  expect(metrics).toMatch(/fullstackagent_change_accept_seconds_count\{action="create"\} [1-9]/);
  expect(metrics).not.toContain('projects/shared');
  expect((await controller.call('GET', '/v1/platform')).status).toBe(401);
  expect((await controller.call('GET', '/v1/platform', { as: 'stranger' })).json).toMatchObject({
    domain: 'localhost',
    defaultPreset: 'small',
    defaultAgent: 'claude',
    databaseVersions: ['16'],
    deletedDays: 14,
    isolation: 'none',
  });
});

/** As `until`, for what has to be asked for. */
async function until2(condition: () => Promise<boolean>, what: string): Promise<void> {
  let met = false;
  const asking = (async () => {
    while (!met) met = await condition();
  })();
  await until(() => met, what).finally(() => (met = true));
  await asking;
}
