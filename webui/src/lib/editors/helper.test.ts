import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { problem, type ErrorCode } from '@fullstackagent/controller/contract';

/** `static/ssh/helper.py`, which runs on people's own machines, against servers that say what a test told them to. */

const HELPER = join(import.meta.dirname, '..', '..', '..', 'static', 'ssh', 'helper.py');
const TOKEN = `fsa_${'x'.repeat(40)}`;
const HOST_KEY = `ssh-ed25519 ${'A'.repeat(68)}`;
const HOST = 'blog.portal.fsa';

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const missing = !isThere('python3') || !isThere('ssh-keygen') || !isThere('openssl');

interface Ended {
  readonly code: number | null;
  readonly output: Buffer;
  readonly complaint: string;
}

describe.skipIf(missing)("the helper of people's own machines (needs python3, ssh-keygen, openssl)", () => {
  const base = mkdtempSync(join(tmpdir(), 'fsa-helper-'));
  const servers: Server[] = [];
  let sockets: WebSocketServer;
  let ssh: string;
  let seen: IncomingMessage[];
  /** What the API answers, by method and path. */
  let answers: Record<string, unknown>;
  let refusal: { code: ErrorCode; detail: string } | undefined;
  let greeting: string;
  let onConnection: (socket: WebSocket) => void;

  beforeEach(() => {
    ssh = join(mkdtempSync(join(base, 'home-')), '.ssh');
    mkdirSync(join(ssh, 'fullstackagent'), { recursive: true });
    copyFileSync(HELPER, join(ssh, 'fullstackagent', 'helper.py'));
    seen = [];
    answers = {};
    refusal = undefined;
    greeting = JSON.stringify({ hostKey: HOST_KEY });
    onConnection = (socket) => {
      socket.on('message', (data) => {
        socket.send(data as Buffer);
      });
    };
    sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'ssh.fullstackagent.dev' });
  });
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    for (const client of sockets.clients) client.terminate();
  });
  afterAll(() => {
    rmSync(base, { recursive: true, force: true });
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    seen.push(request);
    const found = answers[`${request.method ?? ''} ${request.url ?? ''}`];
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? problem('NOT_FOUND', 'There is no such project.')));
  }

  async function portal(tls?: { key: string; cert: string }): Promise<string> {
    const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
    servers.push(server);
    server.on('upgrade', (request: IncomingMessage, socket, head) => {
      seen.push(request);
      if (refusal !== undefined) {
        const body = JSON.stringify(problem(refusal.code, refusal.detail));
        const { status } = problem(refusal.code, '');
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.send(greeting);
        onConnection(client);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `${tls === undefined ? 'http' : 'https'}://localhost:${(server.address() as AddressInfo).port}`;
  }

  const own = (...names: string[]): string => join(ssh, 'fullstackagent', 'portal', ...names);

  /** As `setup` leaves it. */
  function setUp(origin: string): void {
    mkdirSync(own('known_hosts'), { recursive: true });
    writeFileSync(own('portal.json'), JSON.stringify({ origin, users: { blog: 'developer' } }));
    writeFileSync(own('token'), `${TOKEN}\n`, { mode: 0o600 });
  }

  const start = (words: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams =>
    spawn('python3', [join(ssh, 'fullstackagent', 'helper.py'), ...words], {
      env: { PATH: process.env['PATH'], ...env },
    });

  async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [output, complaint] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
    return { code: await closed, output, complaint };
  }

  /** What ssh does, with `input` in the place of what it says. */
  function connecting(input: Buffer | undefined, env?: NodeJS.ProcessEnv): Promise<Ended> {
    const child = start(['connect', 'portal', 'blog'], env);
    child.stdin.on('error', () => undefined);
    if (input !== undefined) child.stdin.write(input);
    return ended(child);
  }

  it.each(['[]', 'no JSON', '{}', '{"hostKey":5}', '{"hostKey":"ssh-rsa AAAA"}'])(
    'says in a sentence that there is no host key: %s',
    async (said) => {
      setUp(await portal());
      greeting = said;
      const { code, output, complaint } = await connecting(undefined);
      expect([code, output.length]).toEqual([1, 0]);
      expect(complaint).toBe('fullstackagent: The sandbox has no host key that ssh could check.\n');
    },
  );

  it('shows the token and its keys, learns the host key first, and passes bytes both ways', async () => {
    setUp(await portal());
    const sent = Buffer.alloc(300_000, 7);
    sent.writeUInt32BE(0xff00_0a0d);
    let known = '';
    let received = 0;
    onConnection = (socket) => {
      socket.on('message', (data: Buffer) => {
        known ||= readFileSync(own('known_hosts', 'blog'), 'utf8');
        socket.ping();
        // Cut anywhere: a proxy may.
        socket.send(data.subarray(0, 1), { fin: false });
        socket.send(data.subarray(1), { fin: true });
        received += data.length;
        if (received === sent.length) socket.close(1000);
      });
    };
    const { code, output, complaint } = await connecting(sent);
    expect([code, complaint]).toEqual([0, '']);
    expect(output.equals(sent)).toBe(true);
    expect(known).toBe(`${HOST} ${HOST_KEY}\n`);
    const [request] = seen;
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}` });
    expect(request?.headers.origin).toBeUndefined();
    const url = new URL(request?.url ?? '', 'http://portal');
    expect(url.pathname).toBe('/api/projects/blog/ssh');
    expect(url.searchParams.get('user')).toBe('developer');
    const onDisk = [0, 1].map((slot) => readFileSync(own(`key-${slot}.pub`), 'utf8').trim());
    expect(url.searchParams.getAll('key')).toEqual(onDisk);
    expect(statSync(own('key-0')).mode & 0o77).toBe(0);
  });

  it('shows its token in no list of processes', async () => {
    setUp(await portal());
    const shown: string[] = [];
    onConnection = (socket) => {
      shown.push(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }));
      socket.close(1000);
    };
    expect((await connecting(undefined)).code).toBe(0);
    expect(shown[0]).toContain('helper.py connect portal blog');
    expect(shown[0]).not.toContain(TOKEN);
  });

  it('keeps a key for ten minutes, and never changes both at a time', async () => {
    setUp(await portal());
    onConnection = (socket) => {
      socket.close(1000);
    };
    const keys = async (): Promise<string[]> => {
      expect((await connecting(undefined)).code).toBe(0);
      return new URL(seen.at(-1)?.url ?? '', 'http://portal').searchParams.getAll('key');
    };
    const first = await keys();
    const age = (minutes: number): void => {
      const then = new Date(Date.now() - minutes * 60_000);
      for (const slot of [0, 1]) utimesSync(own(`key-${slot}`), then, then);
    };
    age(11);
    const second = await keys();
    expect(second.filter((key) => first.includes(key))).toHaveLength(1);
    // After a long pause the old one serves once more: ssh may have read it before this program began.
    age(1000);
    const third = await keys();
    expect(third.filter((key) => second.includes(key))).toHaveLength(1);
    expect((await keys()).filter((key) => second.includes(key))).toHaveLength(0);
  });

  it.each<[string, { code: ErrorCode; detail: string }, RegExp]>([
    [
      'a token that was revoked',
      { code: 'UNAUTHENTICATED', detail: 'x' },
      /token of this machine was revoked or has expired.*\/projects\/blog/,
    ],
    [
      'no such project',
      { code: 'NOT_FOUND', detail: 'There is no such project.' },
      /There is no such project\. http.*\/projects\/blog/,
    ],
    [
      'a project that is stopped',
      { code: 'NOT_READY', detail: 'The sandbox is not running.' },
      /The sandbox is not running\. http/,
    ],
    [
      'no sshd',
      { code: 'ACTION_NOT_ALLOWED', detail: 'There is no sshd\u001b[2J.' },
      /There is no sshd\[2J\./,
    ],
  ])('says in words that there is %s', async (_what, refused, words) => {
    setUp(await portal());
    refusal = refused;
    const { code: exit, output, complaint } = await connecting(undefined);
    expect([exit, output.length]).toEqual([1, 0]);
    expect(complaint).toMatch(words);
    expect(complaint).toMatch(/^fullstackagent: .*\n$/);
  });

  it('puts a user that has changed right', async () => {
    setUp(await portal());
    refusal = { code: 'ACTION_NOT_ALLOWED', detail: 'The user of this sandbox is ada.' };
    answers['GET /api/projects/blog/ssh'] = { user: 'ada', folder: '/home/ada' };
    expect((await connecting(undefined)).complaint).toContain(
      "is ada. ssh's configuration says so now: connect again",
    );
    expect(readFileSync(own('config'), 'utf8')).toContain('  User ada\n');
  });

  it('says why a connection ended that was open', async () => {
    setUp(await portal());
    onConnection = (socket) => {
      socket.close(4403, 'You may no longer use this sandbox.');
    };
    expect(await connecting(undefined)).toMatchObject({
      code: 1,
      complaint: 'fullstackagent: You may no longer use this sandbox.\n',
    });
    onConnection = (socket) => {
      socket.terminate();
    };
    expect((await connecting(undefined)).complaint).toMatch(/The connection to http.* was lost/);
  });

  it('says that nobody answers, and that somebody else does', async () => {
    setUp('http://localhost:9');
    expect((await connecting(undefined)).complaint).toMatch(
      /http:\/\/localhost:9 cannot be reached: .*refused/i,
    );
    const server = createServer((_request, response) => response.writeHead(302, { location: '/' }).end());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    setUp(`http://localhost:${(server.address() as AddressInfo).port}`);
    expect((await connecting(undefined)).complaint).toContain('answered 302 without saying why');
  });

  it('sends nothing to a server whose certificate it cannot trust', async () => {
    const [key, cert] = [join(base, 'tls.key'), join(base, 'tls.crt')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', [...made, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    onConnection = (socket) => {
      socket.send(Buffer.from('SSH-2.0-x'));
      socket.close(1000);
    };
    setUp(await portal(tls));
    expect((await connecting(undefined)).complaint).toMatch(
      /The certificate of https:.* is not trusted: self.signed/,
    );
    expect(seen).toEqual([]);
    expect((await connecting(undefined, { SSL_CERT_FILE: cert })).output.toString()).toBe('SSH-2.0-x');
  });

  it('goes through the proxy that the environment names', async () => {
    const asked: string[] = [];
    const proxy = createServer();
    servers.push(proxy);
    proxy.on('connect', (request, socket) => {
      asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`);
      const [, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      for (const end of [socket, upstream]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const origin = await portal();
    setUp(origin);
    onConnection = (socket) => {
      socket.close(1000);
    };
    const http_proxy = `http://me:p%40ss@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    expect((await connecting(undefined, { http_proxy })).code).toBe(0);
    const credential = Buffer.from('me:p@ss').toString('base64');
    expect(asked).toEqual([`${new URL(origin).host} Basic ${credential}`]);
    expect((await connecting(undefined, { http_proxy, no_proxy: 'localhost' })).code).toBe(0);
    expect(asked).toHaveLength(1);
  });

  it('refuses a token that others can read', async () => {
    setUp(await portal());
    execFileSync('chmod', ['644', own('token')]);
    expect((await connecting(undefined)).complaint).toContain(`Run: chmod 600 ${own('token')}`);
    expect(seen).toEqual([]);
  });

  it('sets a machine up twice as once, and leaves nothing behind', async () => {
    const before = '# mine\nHost other\n  User me\n';
    writeFileSync(join(ssh, 'config'), before, { mode: 0o640 });
    const origin = await portal();
    answers['POST /api/tokens/codes/redeem'] = { token: TOKEN };
    answers['GET /api/projects/blog/ssh'] = { user: 'developer', folder: '/workspace' };
    answers['GET /api/projects'] = {
      projects: [{ id: 'blog' }, { id: 'shop' }, { id: 'gone', desiredState: 'Deleted' }],
    };
    const setup = async (): Promise<Ended> => {
      const child = start(['setup', origin, 'portal', 'blog']);
      child.stdin.end('c0de');
      return ended(child);
    };
    const { code, output, complaint } = await setup();
    expect([code, complaint]).toEqual([0, '']);
    expect(output.toString()).toContain(`ssh ${HOST}`);
    expect(statSync(own('token')).mode & 0o777).toBe(0o600);
    const config = readFileSync(join(ssh, 'config'), 'utf8');
    expect(config.endsWith(before)).toBe(true);
    expect(statSync(join(ssh, 'config')).mode & 0o777).toBe(0o640);
    expect(readFileSync(own('config'), 'utf8')).toMatch(/^Host blog\.portal\.fsa shop\.portal\.fsa$/m);
    expect((await setup()).code).toBe(0);
    expect(readFileSync(join(ssh, 'config'), 'utf8')).toBe(config);

    answers['GET /api/projects'] = { projects: [{ id: 'new' }] };
    expect((await ended(start(['update']))).output.toString()).toBe('new.portal.fsa\n');

    const removed = await ended(start(['remove']));
    expect(removed.output.toString()).toContain(`${origin}/settings`);
    expect(readFileSync(join(ssh, 'config'), 'utf8')).toBe(before);
    expect(execFileSync('ls', ['-A', ssh], { encoding: 'utf8' })).toBe('config\n');
  });

  it('takes no portal for another that is called alike, and the same one at another address', async () => {
    setUp('http://a-b.example.com');
    const child = start(['setup', 'http://a.b.example.com', 'portal', 'blog']);
    child.stdin.end('c0de');
    const { code, complaint } = await ended(child);
    expect([code, complaint]).toEqual([
      1,
      expect.stringContaining('portal is http://a-b.example.com on this machine already'),
    ]);
    expect(readFileSync(own('token'), 'utf8')).toBe(`${TOKEN}\n`);
    setUp('https://LOCALHOST:9');
    const moved = start(['setup', 'http://localhost:9', 'portal', 'blog']);
    moved.stdin.end('c0de');
    expect((await ended(moved)).complaint).toContain('cannot be reached');
  });

  it.each([
    ['a code that is over', ['setup', 'http://localhost:9', 'portal', 'blog'], 'cannot be reached'],
    ['what is no portal', ['setup', 'ftp://x', 'portal', 'blog'], 'is not the address of a portal'],
    ['what is no project', ['connect', 'portal', 'x;y'], 'is not the name of a project'],
    ['a way out', ['connect', '../..', 'blog'], 'is not the name of a project'],
    ['no command', [], 'helper.py setup ORIGIN LABEL PROJECT'],
  ])('refuses %s', async (_what, words, said) => {
    const child = start(words);
    child.stdin.end();
    const { code, complaint } = await ended(child);
    expect(code).toBe(1);
    expect(complaint).toContain(said);
  });
});
