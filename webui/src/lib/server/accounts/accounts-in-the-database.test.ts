import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../database/database.js';
import { Sessions } from '../sessions.js';
import { query, startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { AccessTokens } from './access-tokens.js';
import { AccountStore } from './account-store.js';
import { hashPassword, verifyPassword } from './passwords.js';
import { hashSecret } from './random.js';

/** Accounts, sessions and access tokens against a real PostgreSQL, with empty tables for every test. */

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

let postgres: PostgresForTests;
let url: string;
let database: Database;
let accounts: AccountStore;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.database();
  database = new Database(url, pino({ level: 'silent' }));
  await database.migrate(new AbortController().signal);
  accounts = new AccountStore(database);
});
beforeEach(() => query(url, 'truncate users cascade'));
afterAll(async () => {
  await database.close();
  await postgres.remove();
});

const account = (username: string): { username: string; passwordHash: string } => ({
  username,
  passwordHash: `hash of ${username}`,
});

describe('AccountStore', () => {
  it('makes the first account the operator, with an id and a namespace of its own', async () => {
    expect(await accounts.isEmpty()).toBe(true);
    const ada = await accounts.create(account('ada'), 'open');
    const grace = await accounts.create(account('grace'), 'open');
    expect(ada).toMatchObject({ username: 'ada', operator: true });
    expect(grace.operator).toBe(false);
    for (const { id, namespace } of [ada, grace]) {
      expect(id).toMatch(/^[a-z0-9]{24}$/);
      expect(namespace).toMatch(/^ns-[a-z0-9]{8}$/);
    }
    expect(ada.namespace).not.toBe(grace.namespace);
    expect(await accounts.isEmpty()).toBe(false);
    expect(await accounts.find('ADA')).toEqual({ user: ada, passwordHash: 'hash of ada' });
    expect(await accounts.find('nobody')).toBeUndefined();
  });

  it.each(['first only', 'unknown'] as const)(
    'lets one of several first sign-ups at the same time win where sign-up is "%s"',
    async (policy) => {
      const names = ['ada', 'grace', 'edsger', 'barbara', 'alan', 'katherine'];
      const results = await Promise.allSettled(names.map((name) => accounts.create(account(name), policy)));
      const won = results.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const result of results)
        if (result.status === 'rejected')
          expect(result.reason).toMatchObject({ code: policy === 'unknown' ? 'NOT_READY' : 'SIGNUP_CLOSED' });
      expect(await query(url, 'select operator from users')).toEqual([{ operator: true }]);
    },
  );

  it('makes one operator where sign-up is open, and one account of a name', async () => {
    const names = ['ada', 'Ada', 'ADA', 'grace', 'alan'].map((name) => name.toLowerCase());
    const results = await Promise.allSettled(names.map((name) => accounts.create(account(name), 'open')));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason as unknown)).toEqual([
      expect.objectContaining({
        code: 'NAME_TAKEN',
        errors: [expect.objectContaining({ field: 'username' })],
      }),
      expect.objectContaining({ code: 'NAME_TAKEN' }),
    ]);
    expect(await query(url, 'select count(*)::int as n from users where operator')).toEqual([{ n: 1 }]);
  });

  it('does not say that a name is taken where sign-up is closed', async () => {
    await accounts.create(account('ada'), 'first only');
    await expect(accounts.create(account('ada'), 'first only')).rejects.toThrow(code('SIGNUP_CLOSED'));
  });
});

describe('passwords', () => {
  it('are stored as argon2id with the OWASP parameters, and recognised', async () => {
    const stored = await hashPassword('correct horse');
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword(stored, 'correct horse')).toBe(true);
    expect(await verifyPassword(stored, 'Correct horse')).toBe(false);
    expect(await verifyPassword(undefined, 'correct horse')).toBe(false);
    expect(await verifyPassword('not a hash', 'correct horse')).toBe(false);
  });
});

describe('Sessions', () => {
  const attributesOf = (cookie: { attributes: object }): object => cookie.attributes;

  it('keep a hash of the id in the table, and the id in a cookie that pages cannot read', async () => {
    const ada = await accounts.create(account('ada'), 'open');
    const cookie = await new Sessions(database, { secure: false }).start(ada.id);
    expect(cookie.name).toBe('fsa_session');
    expect(attributesOf(cookie)).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/', secure: false });
    expect(cookie.attributes.maxAge).toBe(30 * 24 * 60 * 60);
    const [row] = await query(url, 'select * from sessions');
    expect(row?.['id']).toBe(hashSecret(cookie.value));
    expect(JSON.stringify(row)).not.toContain(cookie.value);
  });

  it('use a cookie that only a secure page of this host can set where ORIGIN is https', async () => {
    const ada = await accounts.create(account('ada'), 'open');
    const cookie = await new Sessions(database, { secure: true }).start(ada.id);
    expect(cookie.name).toBe('__Host-fsa_session');
    expect(attributesOf(cookie)).toMatchObject({ secure: true, path: '/' });
    expect(attributesOf(cookie)).not.toHaveProperty('domain');
  });

  it('find who a cookie belongs to, and nobody for the hash in the table', async () => {
    const sessions = new Sessions(database, { secure: false });
    const ada = await accounts.create(account('ada'), 'open');
    const { name, value } = await sessions.start(ada.id);
    const found = await sessions.find(`theme=dark; ${name}=${value}`);
    expect(found).toEqual({ user: ada, key: hashSecret(value) });
    expect(await sessions.find(`${name}=${hashSecret(value)}`)).toBeUndefined();
    for (const cookie of [undefined, null, '', 'other=1', `${name}=`, `${name}=wrong`])
      expect(await sessions.find(cookie)).toBeUndefined();
  });

  it('slide: the end moves once half of the time is gone, and the cookie with it', async () => {
    const sessions = new Sessions(database, { secure: false });
    const ada = await accounts.create(account('ada'), 'open');
    const { name, value } = await sessions.start(ada.id);
    await query(url, `update sessions set expires_at = now() + interval '14 days'`);
    const found = await sessions.find(`${name}=${value}`);
    expect(found?.renewed).toMatchObject({ name, value });
    const left = await query(url, `select expires_at > now() + interval '29 days' as moved from sessions`);
    expect(left).toEqual([{ moved: true }]);
    expect((await sessions.find(`${name}=${value}`))?.renewed).toBeUndefined();
  });

  it('end: by themselves, and when they are ended; nothing of them stays', async () => {
    const sessions = new Sessions(database, { secure: false });
    const ada = await accounts.create(account('ada'), 'open');
    const first = await sessions.start(ada.id);
    await query(url, `update sessions set expires_at = now() - interval '1 second'`);
    const second = await sessions.start(ada.id);
    expect(await sessions.find(`fsa_session=${first.value}`)).toBeUndefined();
    expect((await sessions.find(`fsa_session=${second.value}`))?.user).toEqual(ada);
    const { key, cookie } = await sessions.end(`fsa_session=${second.value}`);
    expect(key).toBe(hashSecret(second.value));
    expect(cookie).toMatchObject({ name: 'fsa_session', value: '', attributes: { maxAge: 0 } });
    expect(await query(url, 'select id from sessions')).toEqual([]);
  });

  it('that have ended are cleaned away', async () => {
    const sessions = new Sessions(database, { secure: false });
    const ada = await accounts.create(account('ada'), 'open');
    await sessions.start(ada.id);
    await query(url, `update sessions set expires_at = now() - interval '1 second'`);
    await sessions.start(ada.id);
    await sessions.removeExpired();
    expect(await query(url, 'select id from sessions')).toHaveLength(1);
  });
});

describe('AccessTokens', () => {
  it('are shown once, stored hashed, and work until they are deleted', async () => {
    const tokens = new AccessTokens(database);
    const ada = await accounts.create(account('ada'), 'open');
    const { token, ...created } = await tokens.create(ada.id, { name: 'laptop' });
    expect(token).toMatch(/^fsa_[A-Za-z0-9]{40}$/);
    expect(created).toMatchObject({ name: 'laptop', lastFour: token.slice(-4) });
    expect(JSON.stringify(await query(url, 'select * from personal_access_tokens'))).not.toContain(token);
    expect(await tokens.find(token)).toEqual({ user: ada, key: hashSecret(token) });
    const [listed] = await tokens.list(ada.id);
    expect(listed).toMatchObject(created);
    expect(Date.parse(listed?.lastUsedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(created.createdAt));
    expect(await tokens.remove(ada.id, created.id)).toBe(hashSecret(token));
    expect(await tokens.find(token)).toBeUndefined();
    expect(await tokens.list(ada.id)).toEqual([]);
  });

  it('do not work once they have expired', async () => {
    const tokens = new AccessTokens(database);
    const ada = await accounts.create(account('ada'), 'open');
    const { token, expiresAt } = await tokens.create(ada.id, { name: 'short', expiresInDays: 7 });
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeGreaterThan(6 * 24 * 60 * 60 * 1000);
    expect(await tokens.find(token)).toBeDefined();
    await query(url, `update personal_access_tokens set expires_at = now() - interval '1 second'`);
    expect(await tokens.find(token)).toBeUndefined();
  });

  it('belong to one person: nobody else sees or deletes them', async () => {
    const tokens = new AccessTokens(database);
    const ada = await accounts.create(account('ada'), 'open');
    const grace = await accounts.create(account('grace'), 'open');
    const { id, token } = await tokens.create(ada.id, { name: 'laptop' });
    expect(await tokens.list(grace.id)).toEqual([]);
    await expect(tokens.remove(grace.id, id)).rejects.toThrow(code('NOT_FOUND'));
    expect(await tokens.find(token)).toBeDefined();
  });

  it.each([
    '',
    'fsa_',
    'fsa_short',
    `fsa_${'a'.repeat(40)}`,
    `gho_${'a'.repeat(40)}`,
    `fsa_${'a'.repeat(39)}'`,
  ])('are not %j', async (token) => {
    expect(await new AccessTokens(database).find(token)).toBeUndefined();
  });

  it('are limited in number', async () => {
    const tokens = new AccessTokens(database);
    const ada = await accounts.create(account('ada'), 'open');
    for (let made = 0; made < 50; made++) await tokens.create(ada.id, { name: `token ${made}` });
    await expect(tokens.create(ada.id, { name: 'one more' })).rejects.toThrow(code('VALIDATION_FAILED'));
  });
});
