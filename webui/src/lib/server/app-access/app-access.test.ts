import { randomBytes } from 'node:crypto';
import { AppError, type AppDto } from '@fullstackagent/controller/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppAccess, TICKET, type AppAnswer } from './app-access.js';

const APP = 'http://k3x9q2mvt7ab.localhost:3001';
const OTHER = 'http://zzzzzzzzzzzz.localhost:3001';
const ada = { user: { id: 'ada0000001', username: 'ada' }, session: 'session of ada' };

let now: number;
let members: Set<string>;
let sessions: Set<string>;
let looked: number;
let down: boolean;
let access: AppAccess;

beforeEach(() => {
  now = 1_000;
  looked = 0;
  down = false;
  members = new Set([ada.user.id]);
  sessions = new Set([ada.session]);
  access = new AppAccess({
    secret: randomBytes(32),
    now: () => now,
    sessionEnd: (key) => Promise.resolve(sessions.has(key) ? new Date(8e15) : undefined),
    app: ({ id }, label): Promise<AppDto> => {
      looked += 1;
      if (down) return Promise.reject(new AppError('NOT_READY', 'Nobody answers.'));
      if (!members.has(id)) return Promise.reject(new AppError('FORBIDDEN', 'You are not a member.'));
      const origin = `http://${label}.localhost:3001`;
      return Promise.resolve({ namespace: 'ns-ab3cd4ef', id: 'blog', origin });
    },
  });
});

const ask = (original: string | null, cookies: string | null = null): Promise<AppAnswer> =>
  access.answer({ original, cookies });

/** As a browser: by the entrance to the app, and back comes the cookie that it keeps for it. */
async function enter(at = `${APP}/posts?page=2`): Promise<string> {
  const answer = await ask(await access.entrance(ada, at));
  if (!('cookie' in answer)) throw new Error(JSON.stringify(answer));
  return answer.cookie;
}

const sent = (cookie: string): string => `theme=dark; ${cookie.split(';')[0] ?? ''}; more=1`;

describe('an app that is for members', () => {
  it('is closed to who brings nothing, or something made up', async () => {
    expect(await ask(`${APP}/`)).toEqual({ status: 401 });
    expect(await ask(`${APP}/`, 'fsa_app=made.up.pass; fsa_session=x')).toEqual({ status: 401 });
    expect(await ask(`${APP}/?${TICKET}=made.up.ticket`)).toEqual({ status: 401 });
    expect(await ask(null)).toEqual({ status: 403 });
    expect(await ask('no address')).toEqual({ status: 403 });
  });

  it('opens by a ticket, and from then on by the cookie', async () => {
    const cookie = await enter();
    expect(cookie).toMatch(/^fsa_app=[^;]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/);
    expect(await ask(`${APP}/main.css`, sent(cookie))).toEqual({ status: 204 });
  });

  it('comes back to where the person wanted to go, whole', async () => {
    const url = new URL(await access.entrance(ada, `${APP}/a%2Fb?c=d&c=e`));
    expect(url.href.startsWith(`${APP}/a%2Fb?c=d&c=e&${TICKET}=`)).toBe(true);
  });

  it('has a cookie for https of its own', async () => {
    access = new AppAccess({
      secret: randomBytes(32),
      sessionEnd: () => Promise.resolve(new Date(8e15)),
      app: () => Promise.resolve({ namespace: 'n', id: 'blog', origin: 'https://k3x9q2mvt7ab.example.com' }),
    });
    expect(await enter('https://k3x9q2mvt7ab.example.com/')).toMatch(/^__Host-fsa_app=.*; Secure$/);
  });
});

describe('what opens one app', () => {
  it('opens no other, as a cookie or as a ticket, asked for before or not', async () => {
    const cookie = await enter();
    expect(await ask(`${APP}/`, sent(cookie))).toEqual({ status: 204 });
    expect(await ask(`${OTHER}/`, sent(cookie))).toEqual({ status: 401 });
    const ticket = new URL(await access.entrance(ada, APP)).searchParams.get(TICKET) ?? '';
    expect(await ask(`${OTHER}/?${TICKET}=${ticket}`)).toEqual({ status: 401 });
  });

  it('is not what the other is: a ticket is no cookie', async () => {
    const ticket = new URL(await access.entrance(ada, APP)).searchParams.get(TICKET) ?? '';
    expect(await ask(`${APP}/`, `fsa_app=${ticket}`)).toEqual({ status: 401 });
  });

  it('leads nowhere but to apps of this installation', async () => {
    for (const back of [
      null,
      'nowhere',
      'http://k3x9q2mvt7ab.evil.example/',
      'https://k3x9q2mvt7ab.localhost',
    ])
      await expect(access.entrance(ada, back)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is over within ten seconds after the session or the membership is', async () => {
    const cookie = await enter();
    expect(await ask(APP, sent(cookie))).toEqual({ status: 204 });
    const before = looked;
    expect(await ask(APP, sent(cookie))).toEqual({ status: 204 });
    expect(looked).toBe(before);
    sessions.clear();
    now += 10_001;
    expect(await ask(APP, sent(cookie))).toEqual({ status: 401 });
    sessions.add(ada.session);
    members.clear();
    expect(await ask(APP, sent(cookie))).toEqual({ status: 403 });
    await expect(access.entrance(ada, APP)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is never guessed where the controller does not answer', async () => {
    const cookie = await enter();
    down = true;
    await expect(ask(APP, sent(cookie))).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(access.entrance(ada, APP)).rejects.toMatchObject({ code: 'NOT_READY' });
    down = false;
    expect(await ask(APP, sent(cookie))).toEqual({ status: 204 });
  });
});
