import type { Problem } from '@fullstackagent/controller/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type Reply } from '../support/api.js';
import { owner } from '../support/fixtures.js';
import { git, tip } from '../support/git.js';
import { Platform } from '../support/platform.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';

/** Values that have meaning to a shell, to YAML, to a template or to a terminal; all of them are legal data. */
const NASTY: Readonly<Record<string, string>> = {
  NEWLINES: 'first\nsecond\n\n  indented\n---\nkind: Secret\n',
  TRAILING_NEWLINE: 'ends with one\n',
  QUOTES: `it's "quoted" \\ and \`ticked\``,
  SUBSTITUTION: '$(touch /tmp/never) ${HOME} $HOME `id` !! && ; | > x',
  KUBERNETES_EXPANSION: '$(PGPASSWORD) $$(PORT) $(PORT)',
  YAML: '{a: [1, *x]} # no comment\n!!js/function',
  YAML_NUMBER: '0123',
  YAML_BOOLEAN: 'yes',
  SPACES: '  both ends  ',
  UNICODE: 'žluťoučký 🦊 \u200f\u202eabc',
  CONTROL: 'bell \u0007 escape \u001b[31m tab \t return \r end',
  TEMPLATE: '{{ .Values.x }} <% %> #{x}',
  LONG: 'x'.repeat(64 * 1024),
  EMPTY: '',
};

describe('input that is not right', () => {
  // Plain processes, as on a machine without bubblewrap: what has to be refused there too.
  const platform = new Platform('bad-input', { SANDBOX_ISOLATION: 'none' });
  let api: Api;

  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await api.create({ name: 'Taken' });
  });

  afterAll(() => platform.remove());

  /** Refused, with the message beside the field, and nothing else happened. */
  async function refuses(
    send: () => Promise<Reply<Problem>>,
    field: string | undefined,
    status = 422,
  ): Promise<Problem> {
    const before = tip(platform.repository, 'main');
    const reply = await send();
    expect({ status: reply.status, type: reply.type }).toEqual({
      status,
      type: expect.stringContaining('application/problem+json') as string,
    });
    expect(reply.body).toMatchObject({
      status,
      title: expect.any(String) as string,
      detail: expect.any(String) as string,
    });
    if (field !== undefined) expect(reply.body.errors?.map((error) => error.field)).toContain(field);
    for (const error of reply.body.errors ?? []) expect(error.message).toMatch(/^[A-Z].*\.$/s);
    expect(tip(platform.repository, 'main')).toBe(before);
    return reply.body;
  }

  const create = (body: unknown) => () => api.refused('POST', '/api/projects', body);
  const environment = (variables: unknown) => () =>
    api.refused('PUT', '/api/projects/taken/environment', { variables });

  it.each([
    ['an empty name', ''],
    ['a name of spaces', '   '],
    ['a name that is too long', 'a'.repeat(65)],
    ['a name without a letter of an address', '日本語'],
    ['a name of emoji', '🦊🦊'],
    ['a name of digits', '1234'],
    ['a reserved name', 'New'],
    ['a reserved name in capitals', 'TENANT'],
    ['a name with a line end', 'My\nBlog'],
    ['a name with NUL', 'My\0Blog'],
    ['a name that is a number', 42],
    ['a name that is a list', ['My', 'Blog']],
    ['no name', undefined],
  ])('refuses %s', async (_, name) => {
    await refuses(create({ name }), 'name');
  });

  it.each([
    ['the same name', 'Taken'],
    ['another spelling with the same address', 'TAKEN!'],
  ])('refuses %s: it is taken', async (_, name) => {
    const problem = await refuses(create({ name }), 'name', 409);
    expect(problem.code).toBe('NAME_TAKEN');
  });

  it('refuses fields that nobody knows, by name', async () => {
    const problem = await refuses(create({ name: 'Fine', databse: true }), undefined);
    expect(JSON.stringify(problem)).toContain('databse');
  });

  it.each([
    ['NUL in a value', [{ name: 'A', value: 'x\0y' }], 'variables.0.value'],
    ['a value of 1 MB', [{ name: 'A', value: 'x'.repeat(1024 * 1024) }], 'variables.0.value'],
    ['half a character', [{ name: 'A', value: '\ud800' }], 'variables.0.value'],
    ['a value that is a number', [{ name: 'A', value: 1 }], 'variables.0.value'],
    ['an empty variable name', [{ name: '', value: 'x' }], 'variables.0.name'],
    ['a variable name with a space', [{ name: 'A B', value: 'x' }], 'variables.0.name'],
    ['a variable name that starts with a digit', [{ name: '1A', value: 'x' }], 'variables.0.name'],
    ['a variable name with a hyphen', [{ name: 'A-B', value: 'x' }], 'variables.0.name'],
    ['a variable name that is a command', [{ name: 'A=$(id)', value: 'x' }], 'variables.0.name'],
    ['a variable name with a path in it', [{ name: '../../etc/passwd', value: 'x' }], 'variables.0.name'],
    ['a variable of the platform', [{ name: 'DATABASE_URL', value: 'x' }], 'variables.0.name'],
    [
      'a second variable of the same name',
      [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
      'variables.1.name',
    ],
    [
      'the wrong one among good ones',
      [
        { name: 'A', value: '1' },
        { name: '-', value: '2' },
      ],
      'variables.1.name',
    ],
  ])('refuses %s', async (_, variables, field) => {
    await refuses(environment(variables), field);
  });

  it('refuses variables in a create as it does later', async () => {
    await refuses(create({ name: 'Fine', env: [{ name: 'A B', value: 'x' }] }), 'env.0.name');
    await refuses(create({ name: 'Fine', env: [{ name: 'A', value: 'x\0' }] }), 'env.0.value');
  });

  it('refuses a body that is not JSON', async () => {
    await refuses(() => api.raw<Problem>('POST', '/api/projects', '{"name": '), undefined, 400);
  });

  it('answers with "not found" for projects that are not there, or are another path', async () => {
    for (const id of ['nobody', 'ns-aaaaaaaa~taken', '..%2f..%2fetc', '%00', 'taken%20'])
      await refuses(() => api.refused('GET', `/api/projects/${id}`), undefined, 404);
  });

  it('closes sign-up after the first account, because nothing here keeps people apart', async () => {
    const second = { username: 'eve', password: 'another long enough password' };
    const reply = await new Api(platform.url).refused('POST', '/api/auth/signup', second);
    expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 403, code: 'SIGNUP_CLOSED' });
  });

  it('answers nothing to somebody who is not signed in', async () => {
    const stranger = new Api(platform.url);
    for (const [method, path] of [
      ['GET', '/api/projects'],
      ['POST', '/api/projects'],
      ['DELETE', '/api/projects/taken'],
      ['POST', '/api/projects/taken/database/reveal'],
    ] as const) {
      const reply = await stranger.refused(method, path, method === 'POST' ? { name: 'x' } : undefined);
      expect(reply.status).toBe(401);
    }
  });

  it('gives legal values to a new shell byte for byte, plain and secret', async () => {
    await api.waitFor('taken', 'RUNNING');
    const plain = Object.entries(NASTY).map(([name, value]) => ({ name, value }));
    const secret = Object.entries(NASTY).map(([name, value]) => ({ name: `S_${name}`, value, secret: true }));
    await api.putEnvironment('taken', [...plain, ...secret]);
    const shown = await api.environment('taken');
    expect(shown.variables.find(({ name }) => name === 'NEWLINES')?.value).toBe(NASTY['NEWLINES']);
    expect(shown.variables.find(({ name }) => name === 'S_NEWLINES')?.value).toBeUndefined();

    let shells = 0;
    const freshShell = async (): Promise<Terminal | undefined> => {
      shells += 1;
      const terminal = await Terminal.open(api, 'taken', `look-${String(shells)}`);
      if ((await terminal.variable('S_SPACES')) === NASTY['SPACES']) return terminal;
      terminal.close();
      return undefined;
    };
    const terminal = await until('the variables to arrive in a new shell', freshShell, { every: 500 });
    for (const [name, value] of Object.entries(NASTY)) {
      expect(await terminal.variable(name), name).toBe(value);
      expect(await terminal.variable(`S_${name}`), `S_${name}`).toBe(value);
    }
    terminal.close();
  });

  it('touched nothing else: every commit is one that was asked for', () => {
    const subjects = git(platform.repository, 'log', '--format=%s', 'main').split('\n');
    expect(subjects.filter((subject) => /taken/i.test(subject))).toHaveLength(2);
  });
});
