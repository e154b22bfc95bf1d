import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { problem, SSH_PROTOCOL, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ControllerForTests } from '../testing/controller-for-tests.js';
import { isBuilt, PortalForTests, Visitor } from '../testing/portal-for-tests.js';
import { query, startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';

const ADA = { username: 'ada', password: 'correct horse' };
const PATH = '/api/projects/blog/ssh?user=developer&key=ssh-ed25519+AAAA&key=ssh-ed25519+BBBB';

describe.skipIf(!isBuilt())('SSH through the built portal (npm run build first)', () => {
  let postgres: PostgresForTests;
  let databaseUrl: string;
  let controller: ControllerForTests;
  let portal: PortalForTests;
  let ada: Visitor;
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    [postgres, controller] = await Promise.all([startPostgres(), ControllerForTests.start()]);
    databaseUrl = await postgres.database();
    portal = await PortalForTests.start({ databaseUrl, controllerUrl: controller.url });
    await until('the portal to be ready', () => portal.ready);
    ada = new Visitor(portal);
    await ada.send('POST', '/api/auth/signup', { body: ADA });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    controller.terminals.length = 0;
    controller.refuseTerminals(undefined);
  });
  afterAll(async () => {
    await portal.remove();
    await Promise.all([postgres.remove(), controller.stop()]);
  });

  async function newToken(): Promise<{ id: string; token: string }> {
    const { json } = await ada.send('POST', '/api/tokens', { body: { name: 'laptop' } });
    return json as { id: string; token: string };
  }

  function dial(
    headers: Record<string, string>,
    { path = PATH, protocols = [SSH_PROTOCOL] } = {},
  ): WebSocket {
    const address = `${portal.origin.replace('http', 'ws')}${path}`;
    const socket = new WebSocket(address, protocols, { headers, perMessageDeflate: false });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return socket;
  }

  async function refusal(socket: WebSocket): Promise<Record<string, unknown>> {
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    const chunks = await response.toArray();
    return JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as Record<string, unknown>;
  }

  it('is opened by a personal access token, in the name of its owner, byte for byte', async () => {
    const { token } = await newToken();
    const client = dial({ authorization: `Bearer ${token}` });
    const first = once(client, 'message');
    await once(client, 'open');
    expect(client.protocol).toBe(SSH_PROTOCOL);
    expect(String((await first)[0])).toBe('0welcome');
    const [connection] = controller.terminals;
    expect(connection?.claims.name).toBe('ada');
    expect(connection?.url).toMatch(
      /^\/v1\/tenants\/ns-[a-z0-9]{8}\/projects\/blog\/ssh\?user=developer&key=ssh-ed25519\+AAAA&key=ssh-ed25519\+BBBB$/,
    );
    const arrived = once(connection?.socket ?? client, 'message');
    client.send(Buffer.from([0xff, 0, 0x0a]));
    expect(await arrived).toEqual([Buffer.from([0xff, 0, 0x0a]), true]);
    expect(portal.output).not.toContain(token);
  });

  it('is not opened by a session, which a browser would show for any page', async () => {
    const answer = await refusal(dial({ cookie: ada.cookie, origin: portal.origin }));
    expect(answer).toMatchObject({ status: 401 });
    expect(controller.terminals).toEqual([]);
  });

  it('is refused with a token that is not valid, and in another protocol', async () => {
    const { token } = await newToken();
    const authorization = `Bearer ${token}`;
    expect(await refusal(dial({ authorization: 'Bearer fsa_wrong' }))).toMatchObject({ status: 401 });
    expect(await refusal(dial({ authorization: 'Basic eDp5' }))).toMatchObject({ status: 401 });
    for (const protocols of [['tty'], [], ['tty', SSH_PROTOCOL]])
      expect(await refusal(dial({ authorization }, { protocols }))).toMatchObject({ status: 400 });
    // A terminal is a browser's, whatever it shows.
    const terminal = { path: '/api/projects/blog/terminal?session=main', protocols: ['tty'] };
    expect((await refusal(dial({ authorization }, terminal)))['status']).toBe(403);
    expect(controller.terminals).toEqual([]);
  });

  it('is refused in the words of the controller', async () => {
    const { token } = await newToken();
    const detail = 'The user of this sandbox is root.';
    controller.refuseTerminals(problem('ACTION_NOT_ALLOWED', detail));
    expect(await refusal(dial({ authorization: `Bearer ${token}` }))).toMatchObject({ status: 409, detail });
  });

  it('is bounded: each costs a server in the sandbox', async () => {
    const { token } = await newToken();
    const authorization = `Bearer ${token}`;
    const clients = Array.from({ length: 100 }, () => dial({ authorization }));
    await Promise.all(clients.map((client) => once(client, 'open')));
    expect(await refusal(dial({ authorization }))).toMatchObject({ status: 429 });
    clients[0]?.close();
    await until('there to be room again', async () => {
      const client = dial({ authorization });
      return Promise.race([
        once(client, 'open').then(() => true),
        once(client, 'unexpected-response').then(() => false),
      ]);
    });
  });

  it.each(['is deleted', 'expires'])('ends when the token %s', async (how) => {
    const { id, token } = await newToken();
    const soon = "update personal_access_tokens set expires_at = now() + interval '5 seconds' where id = $1";
    if (how === 'expires') await query(databaseUrl, soon, [id]);
    const client = dial({ authorization: `Bearer ${token}` });
    const closed = once(client, 'close');
    await once(client, 'open');
    if (how === 'is deleted') expect((await ada.send('DELETE', `/api/tokens/${id}`)).status).toBe(204);
    expect((await closed)[0]).toBe(terminalCloseCodes.notAllowed);
    expect(await refusal(dial({ authorization: `Bearer ${token}` }))).toMatchObject({ status: 401 });
  });

  describe('a code for setting a machine up', () => {
    const stranger = (): Visitor => new Visitor(portal);
    const program = { origin: undefined };
    const newCode = async (body: object = { expiresInDays: 30 }): Promise<string> => {
      const { status, json } = await ada.send('POST', '/api/tokens/codes', { body });
      expect(status).toBe(201);
      return String(json['code']);
    };
    const redeem = (code: unknown, name: unknown = 'ssh on laptop'): ReturnType<Visitor['send']> =>
      stranger().send('POST', '/api/tokens/codes/redeem', { body: { code, name }, headers: program });

    it('becomes a token once, however many ask at a time', async () => {
      const code = await newCode();
      const answers = await Promise.all([1, 2, 3, 4].map(() => redeem(code)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401]);
      const { token } = answers.find(({ status }) => status === 201)?.json as { token: string };
      const authorization = `Bearer ${token}`;
      expect((await stranger().send('GET', '/api/platform', { headers: { authorization } })).status).toBe(
        200,
      );
      const { json } = await ada.send('GET', '/api/tokens');
      const [listed] = json['tokens'] as { name: string; createdAt: string; expiresAt: string }[];
      expect(listed?.name).toBe('ssh on laptop');
      const days = (Date.parse(listed?.expiresAt ?? '') - Date.parse(listed?.createdAt ?? '')) / 86_400_000;
      expect(Math.round(days)).toBe(30);
      const rows = JSON.stringify(await query(databaseUrl, 'select * from personal_access_tokens'));
      for (const secret of [code, token]) {
        expect(portal.output).not.toContain(secret);
        expect(rows).not.toContain(secret);
      }
    });

    it('is worth nothing after ten minutes, and is stored as a hash', async () => {
      const code = await newCode({});
      expect(JSON.stringify(await query(databaseUrl, 'select * from token_codes'))).not.toContain(code);
      await query(databaseUrl, "update token_codes set expires_at = now() - interval '1 second'");
      expect((await redeem(code)).status).toBe(401);
    });

    it('is one of twenty that a person has at most, until they are used or over', async () => {
      const grace = stranger();
      await grace.send('POST', '/api/auth/signup', { body: { username: 'coder', password: ADA.password } });
      const make = () => grace.send('POST', '/api/tokens/codes', { body: {} });
      const first = await make();
      for (let made = 1; made < 20; made++) expect((await make()).status).toBe(201);
      expect(await make()).toMatchObject({
        status: 429,
        json: { code: 'RATE_LIMITED', detail: expect.stringContaining('20 codes') as string },
      });
      await newCode();
      expect((await redeem(first.json['code'])).status).toBe(201);
      expect((await make()).status).toBe(201);
      expect((await make()).status).toBe(429);
      await query(databaseUrl, "update token_codes set expires_at = now() - interval '1 second'");
      expect((await make()).status).toBe(201);
    });

    it('stays where its token could not be made', async () => {
      const code = await newCode();
      expect((await redeem(code, '')).status).toBe(422);
      expect((await redeem(code)).status).toBe(201);
    });

    it('is made by somebody who is signed in, and by no token', async () => {
      const { token } = await newToken();
      const headers = { authorization: `Bearer ${token}` };
      expect((await ada.send('POST', '/api/tokens/codes', { body: {}, headers })).status).toBe(403);
      expect((await stranger().send('POST', '/api/tokens/codes', { body: {} })).status).toBe(401);
      expect((await redeem('wrong')).status).toBe(401);
      expect((await redeem(7)).status).toBe(422);
    });
  });
});
