import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { problem, sharedTerminalClaims, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ControllerForTests } from '../testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from '../testing/portal-for-tests.js';
import { query, startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';

const PASSWORD = 'correct horse';
const SHARES = '/api/projects/blog/shares';
const INPUT = { session: 'main', label: 'build', access: 'view', audience: 'anyone', expiresInMinutes: 60 };

describe.skipIf(!isBuilt())('shared terminals through the built portal (npm run build first)', () => {
  let postgres: PostgresForTests;
  let databaseUrl: string;
  let controller: ControllerForTests;
  let portal: PortalForTests;
  let ada: Visitor;
  let namespace: string;
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
    databaseUrl = await postgres.database();
    portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url });
    await until('the portal to be ready', () => portal.ready);
    ada = await account('ada');
    const [row] = await query(databaseUrl, `select namespace from users where username = 'ada'`);
    namespace = String(row?.['namespace']);
    allowTerminal({ status: 200, body: {} });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    controller.guests.length = 0;
    allowTerminal({ status: 200, body: {} });
  });
  afterAll(async () => {
    await portal.remove();
    await Promise.all([postgres.remove(), controller.stop()]);
  });

  const allowTerminal = (answer: Parameters<ControllerForTests['answer']>[1]): void =>
    controller.answer(`GET /v1/tenants/${namespace}/projects/blog/terminal`, answer);

  async function account(username: string): Promise<Visitor> {
    const visitor = new Visitor(portal);
    await visitor.send('POST', '/api/auth/signup', { body: { username, password: PASSWORD } });
    return visitor;
  }

  async function share(changes: object = {}): Promise<{ id: string; secret: string }> {
    const { status, json } = await ada.send('POST', SHARES, { body: { ...INPUT, ...changes } });
    expect(status).toBe(201);
    return json as { id: string; secret: string };
  }

  /** A guest with a cookie for this share, beside the session of `as` where somebody is signed in. */
  async function join(
    { id, secret }: { id: string; secret: string },
    who: { name?: string; as?: Visitor } = { name: 'Grace' },
  ): Promise<{ status: number; cookie: string; json: Record<string, unknown> }> {
    const visitor = new Visitor(portal);
    const session = who.as?.cookie ?? '';
    visitor.cookie = session;
    const body = { secret, ...(who.name === undefined ? {} : { name: who.name }) };
    const { status, json } = await visitor.send('POST', `/api/shares/${id}/join`, { body });
    return { status, json, cookie: session === '' ? visitor.cookie : `${visitor.cookie}; ${session}` };
  }

  function dial(id: string, cookie: string): WebSocket {
    const address = `${portal.origin.replace('http', 'ws')}/api/shares/${id}/terminal`;
    const headers = { origin: portal.origin, ...(cookie === '' ? {} : { cookie }) };
    const socket = new WebSocket(address, ['tty'], { headers });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return socket;
  }

  async function refusal(socket: WebSocket): Promise<number | undefined> {
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  it('lets a guest in, in the name of who shared it and with no more than was shared', async () => {
    const link = await share();
    const guest = await join(link);
    expect(guest).toMatchObject({ status: 200, json: { project: 'blog', label: 'build', sharedBy: 'ada' } });
    await once(dial(link.id, guest.cookie), 'open');
    const [terminal] = controller.guests;
    expect(sharedTerminalClaims.parse(terminal?.claims)).toMatchObject({
      name: 'Grace',
      access: 'view',
      share: link.id,
      project: 'blog',
      session: 'main',
    });
    const { json } = await ada.send('GET', SHARES);
    const [listed] = json['shares'] as { guests: object[] }[];
    expect(listed?.guests).toMatchObject([{ name: 'Grace', account: false, online: true }]);
    expect(JSON.stringify(json)).not.toContain(link.secret);
  });

  it('ends what is open when it is ended, and opens nothing any more', async () => {
    const link = await share();
    const { cookie } = await join(link);
    const socket = dial(link.id, cookie);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    expect((await ada.send('DELETE', `${SHARES}/${link.id}`)).status).toBe(204);
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
    expect(await refusal(dial(link.id, cookie))).toBe(404);
    expect((await join(link)).status).toBe(404);
  });

  it('ends by itself when its time is over', async () => {
    const link = await share();
    const { cookie } = await join(link);
    await query(
      databaseUrl,
      `update terminal_shares set expires_at = now() + interval '5 seconds' where id = '${link.id}'`,
    );
    const socket = dial(link.id, cookie);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(terminalCloseCodes.notAllowed);
    expect(await refusal(dial(link.id, cookie))).toBe(404);
  });

  it('is for people with an account where that was said, and for as long as they are signed in', async () => {
    const link = await share({ audience: 'accounts' });
    expect(await join(link)).toMatchObject({ status: 401 });
    const bob = await account('bob');
    const guest = await join(link, { as: bob });
    const socket = dial(link.id, guest.cookie);
    await once(socket, 'open');
    expect(controller.guests.at(-1)?.claims).toMatchObject({ name: 'bob' });
    // The share's cookie alone, in a browser where somebody else is signed in.
    expect(await refusal(dial(link.id, guest.cookie.split('; ')[0] ?? ''))).toBe(401);
    const closed = once(socket, 'close');
    await bob.send('POST', '/api/auth/logout');
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
  });

  it('keeps hashes only, and says nothing of a secret in its log', async () => {
    const link = await share();
    const { cookie } = await join(link);
    const rows = JSON.stringify([
      await query(databaseUrl, 'select * from terminal_shares'),
      await query(databaseUrl, 'select * from terminal_share_guests'),
    ]);
    const token = cookie.split('=')[1] ?? '';
    expect(token).toMatch(/^[A-Za-z0-9]{40}$/);
    for (const secret of [link.secret, token]) {
      expect(rows).not.toContain(secret);
      expect(portal.output).not.toContain(secret);
    }
    expect(portal.output).toContain('"audit":"terminal-shared"');
    expect(portal.output).toContain('"audit":"terminal-share-joined"');
  });

  const guestsOf = async (id: string): Promise<Record<string, unknown>[]> => {
    const { json } = await ada.send('GET', SHARES);
    const listed = json['shares'] as { id: string; guests: Record<string, unknown>[] }[];
    return listed.find((one) => one.id === id)?.guests ?? [];
  };

  const remove = async (id: string, name: string): Promise<number> => {
    const guest = (await guestsOf(id)).find((one) => one['name'] === name);
    return (await ada.send('DELETE', `${SHARES}/${id}/guests/${String(guest?.['id'])}`)).status;
  };

  it('ends for one guest, who does not come back with what the browser kept, and for no other', async () => {
    const link = await share();
    const [grace, linus] = [await join(link), await join(link, { name: 'Linus' })];
    const [gone, stays] = [dial(link.id, grace.cookie), dial(link.id, linus.cookie)];
    await Promise.all([once(gone, 'open'), once(stays, 'open')]);
    const closed = once(gone, 'close');
    expect(await remove(link.id, 'Grace')).toBe(204);
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
    expect(await refusal(dial(link.id, grace.cookie))).toBe(403);
    expect(stays.readyState).toBe(WebSocket.OPEN);
    expect((await guestsOf(link.id)).find(({ name }) => name === 'Grace')).toMatchObject({
      removedBy: 'ada',
      online: false,
    });
    // The same browser with the link once more; the link itself goes on for others.
    const visitor = new Visitor(portal);
    visitor.cookie = grace.cookie;
    for (const [step, body] of [
      ['preview', { secret: link.secret }],
      ['join', { secret: link.secret, name: 'Grace again' }],
    ] as const)
      expect((await visitor.send('POST', `/api/shares/${link.id}/${step}`, { body })).status).toBe(403);
    expect((await join(link, { name: 'Margaret' })).status).toBe(200);
    expect(portal.output).toContain('"audit":"terminal-share-guest-removed"');
  });

  it('ends for an account in every browser', async () => {
    const link = await share();
    const carol = await account('carol');
    const [here, there] = [await join(link, { as: carol }), await join(link, { as: carol })];
    expect(await remove(link.id, 'carol')).toBe(204);
    for (const { cookie } of [here, there]) expect(await refusal(dial(link.id, cookie))).toBe(403);
    expect((await join(link, { as: carol })).status).toBe(403);
  });

  it('removes no guest of another link, and none twice', async () => {
    const [link, other] = [await share(), await share()];
    await join(link);
    const [guest] = await guestsOf(link.id);
    const at = (share: string): string => `${SHARES}/${share}/guests/${String(guest?.['id'])}`;
    expect((await ada.send('DELETE', at(other.id))).status).toBe(404);
    expect((await ada.send('DELETE', at(link.id).replace('/blog/', '/other/'))).status).toBe(404);
    expect((await ada.send('DELETE', at(link.id))).status).toBe(204);
    const [first] = await guestsOf(link.id);
    expect((await ada.send('DELETE', at(link.id))).status).toBe(204);
    expect(await guestsOf(link.id)).toEqual([first]);
  });

  it('ends with its shell, and no link to another shell does', async () => {
    const [link, other] = [await share({ session: 'build' }), await share()];
    const socket = dial(link.id, (await join(link)).cookie);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    controller.answer(`DELETE /v1/tenants/${namespace}/projects/blog/shells/build`, {
      status: 204,
      body: '',
    });
    expect((await ada.send('DELETE', '/api/projects/blog/shells/build')).status).toBe(204);
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
    expect((await join(link)).status).toBe(404);
    expect((await join(other)).status).toBe(200);
  });

  it('is open eight times for one visit, and not more', async () => {
    const link = await share();
    const { cookie } = await join(link);
    const open = Array.from({ length: 8 }, () => dial(link.id, cookie));
    await Promise.all(open.map((socket) => once(socket, 'open')));
    expect(await refusal(dial(link.id, cookie))).toBe(429);
    const closed = once(open[0] as WebSocket, 'close');
    open[0]?.close();
    await closed;
    await until('there to be room', async () => {
      const socket = dial(link.id, cookie);
      return Promise.race([once(socket, 'open').then(() => true), refusal(socket).then(() => false)]);
    });
  });

  it('is made, listed and ended by those who may use the terminal', async () => {
    const link = await share();
    allowTerminal({ status: 403, body: problem('FORBIDDEN', 'You can look, and not change.') });
    expect((await ada.send('POST', SHARES, { body: INPUT })).status).toBe(403);
    expect((await ada.send('GET', SHARES)).status).toBe(403);
    expect((await ada.send('DELETE', `${SHARES}/${link.id}`)).status).toBe(403);
    const guest = 'a'.repeat(24);
    expect((await ada.send('DELETE', `${SHARES}/${link.id}/guests/${guest}`)).status).toBe(403);
    expect((await ada.send('GET', '/api/projects/blog/terminal')).status).toBe(403);
  });

  it.each<[string, object, string]>([
    ['an access that there is not', { access: 'admin' }, 'access'],
    ['a session that is an argument', { session: '-x y' }, 'session'],
    ['a name of two lines', { label: 'a\nb' }, 'label'],
    ['a name that reads backwards', { label: 'a\u202egpj.exe' }, 'label'],
    ['a link for ever', { expiresInMinutes: 1e9 }, 'expiresInMinutes'],
  ])('refuses %s', async (_what, changes, field) => {
    const { status, json } = await ada.send('POST', SHARES, { body: { ...INPUT, ...changes } });
    expect(status).toBe(422);
    expect(json['errors']).toMatchObject([{ field }]);
  });

  it('refuses a wrong secret, no name, no cookie, and the cookie of another share', async () => {
    const [link, other] = [await share(), await share()];
    expect((await join({ ...link, secret: other.secret })).status).toBe(404);
    expect((await join(link, {})).status).toBe(422);
    expect(await refusal(dial(link.id, ''))).toBe(404);
    expect(await refusal(dial(link.id, (await join(other)).cookie))).toBe(404);
    expect(controller.guests.filter(({ socket }) => socket.readyState === WebSocket.OPEN)).toEqual([]);
  });
});
