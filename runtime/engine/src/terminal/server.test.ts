import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { pollUntil } from '../files/polling.js';
import { freePort } from '../testing/free-port.js';
import type { Size } from './protocol.js';
import { TerminalServer, type TerminalServerOptions } from './server.js';

const TOKEN = 'correct-horse-battery-staple';
const credential = Buffer.from(`user:${TOKEN}`).toString('base64');
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const bash = ({ columns, rows }: Size): IPty =>
  spawn('bash', ['--norc', '-i'], {
    name: 'xterm-256color',
    cols: columns,
    rows,
    env: { PATH: process.env['PATH'] ?? '', PS1: '$ ', LANG: 'C.UTF-8' },
    encoding: null,
  });

async function server(
  start: TerminalServerOptions['spawn'] = bash,
): Promise<{ url: string; http: string; terminal: TerminalServer }> {
  const log = pino({ level: 'silent' });
  const terminal = new TerminalServer({ token: TOKEN, title: 'my-blog', spawn: start, log });
  const port = await freePort();
  await terminal.listen(port);
  closers.push(async () => {
    terminal.hangUp();
    await terminal.close();
  });
  return { url: `ws://127.0.0.1:${port}/ws`, http: `http://127.0.0.1:${port}`, terminal };
}

interface Client {
  readonly socket: WebSocket;
  type(text: string | Buffer): void;
  control(text: string): void;
  /** Everything printed so far. */
  output(): string;
  waitFor(pattern: RegExp): Promise<string>;
  closed(): Promise<number>;
}

async function connect(url: string, options: { session?: string; token?: string } = {}): Promise<Client> {
  const socket = new WebSocket(`${url}?arg=${options.session ?? 'main'}`, 'tty', {
    headers: { authorization: `Basic ${credential}` },
  });
  closers.push(() => {
    socket.terminate();
  });
  const chunks: Buffer[] = [];
  socket.on('message', (data: Buffer) => {
    if (data[0] === 0x30) chunks.push(data.subarray(1));
  });
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.send(Buffer.from(JSON.stringify({ AuthToken: options.token ?? credential, columns: 90, rows: 30 })));
  const output = (): string => Buffer.concat(chunks).toString('utf8');
  return {
    socket,
    output,
    type: (text) => {
      socket.send(Buffer.concat([Buffer.from('0'), Buffer.from(text)]));
    },
    control: (text) => {
      socket.send(Buffer.from(text));
    },
    async waitFor(pattern) {
      const found = await pollUntil(() => (pattern.test(output()) ? output() : undefined), {
        everyMs: 10,
        deadlineMs: 45_000,
      });
      if (found === undefined)
        throw new Error(`${pattern.source} never came; there was: ${output().slice(-500)}`);
      return found;
    },
    closed: () => closed,
  };
}

const refusal = (url: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'tty', { headers });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
    });
    socket.on('open', () => {
      reject(new Error('it was let in'));
    });
    socket.on('error', () => undefined);
  });

describe('TerminalServer', () => {
  it('runs what is typed, in the size that was asked for', async () => {
    const client = await connect((await server()).url);
    client.type('stty size; echo "a=$((6*7))"\r');
    expect(await client.waitFor(/a=42/)).toContain('30 90');
    client.control('1{"columns":120,"rows":40}');
    client.type('stty size\r');
    await client.waitFor(/40 120/);
  });

  it('carries bytes as they are', async () => {
    const client = await connect((await server()).url);
    client.type('printf "%s" "h€llo" | od -An -tx1\r');
    await client.waitFor(/68 e2 82 ac 6c 6c 6f/);
  });

  it('takes a large paste of any bytes, and loses none', async () => {
    const client = await connect((await server()).url);
    // 200 KB: far more than a terminal holds at once. Without the bytes that mean something to a terminal in raw mode.
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 251));
    client.type(
      `stty raw -echo; printf 'ready-%s' $((1+1)); head -c ${bytes.length} | sha256sum; stty sane\r`,
    );
    await client.waitFor(/ready-2/);
    for (let at = 0; at < bytes.length; at += 50_000) client.type(bytes.subarray(at, at + 50_000));
    await client.waitFor(new RegExp(createHash('sha256').update(bytes).digest('hex')));
  });

  it('lets whoever pastes wait for a program that does not read, nobody else, and loses nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fsa-terminal-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const { url } = await server();
    const client = await connect(url);
    const bytes = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7) % 251));
    const times = 24;
    const go = join(folder, 'go');
    client.type(
      `stty raw -echo; printf 'ready-%s' $((1+1)); until [ -e ${go} ]; do sleep 0.05; done; ` +
        `head -c ${bytes.length * times} | sha256sum; stty sane\r`,
    );
    await client.waitFor(/ready-2/);
    for (let time = 0; time < times; time += 1) client.type(bytes);
    const other = await connect(url, { session: 'other' });
    other.type('echo "fine-$((1+1))"\r');
    await other.waitFor(/fine-2/);
    expect(client.socket.bufferedAmount).toBeGreaterThan(8 * 1024 * 1024);
    await writeFile(go, '');
    const hash = createHash('sha256');
    for (let time = 0; time < times; time += 1) hash.update(bytes);
    await client.waitFor(new RegExp(hash.digest('hex')));
  });

  it('takes a frame as large as the controller passes on, and no larger', async () => {
    const { url } = await server();
    const client = await connect(url);
    client.control(`9${'x'.repeat(3 * 1024 * 1024)}`);
    client.type('echo "fine-$((1+1))"\r');
    await client.waitFor(/fine-2/);
    client.control(`9${'x'.repeat(4 * 1024 * 1024)}`);
    expect(await client.closed()).toBe(1009);
  });

  it('ends a connection that waits for a shell which has ended', async () => {
    const ptys: IPty[] = [];
    const { url } = await server((size) => {
      const pty = bash(size);
      ptys.push(pty);
      return pty;
    });
    const client = await connect(url);
    client.type(`stty raw -echo; printf 'ready-%s' $((1+1)); sleep 600\r`);
    await client.waitFor(/ready-2/);
    for (let time = 0; time < 8; time += 1) client.type(Buffer.alloc(1024 * 1024, 'x'));
    ptys[0]?.kill('SIGKILL');
    expect(await client.closed()).toBe(1000);
  });

  it("answers nobody's questions twice", async () => {
    const { url } = await server();
    const first = await connect(url, { session: 'q' });
    first.type(String.raw`printf 'asked \e[6n\e[c once\n'` + '\r');
    await first.waitFor(/asked .*once\r\n/);
    const second = await connect(url, { session: 'q' });
    const replayed = await second.waitFor(/asked +once\r\n/);
    expect(replayed).not.toContain('\u001b[6n');
  });

  it('keeps the shell and its screen when the connection is lost', async () => {
    const { url } = await server();
    const first = await connect(url, { session: 'work' });
    first.type('kept=yes; echo "before-$kept"\r');
    await first.waitFor(/before-yes/);
    first.socket.terminate();
    await first.closed();
    const second = await connect(url, { session: 'work' });
    await second.waitFor(/before-yes/);
    second.type('echo "still-$kept"\r');
    await second.waitFor(/still-yes/);
  });

  it('gives each session id a shell of its own', async () => {
    const { url } = await server();
    const one = await connect(url, { session: 'one' });
    const two = await connect(url, { session: 'two' });
    one.type('x=1; echo "x is [$x]"\r');
    await one.waitFor(/x is \[1\]/);
    two.type('echo "x is [$x]"\r');
    await two.waitFor(/x is \[\]/);
  });

  it('stops a flood at once when told to', async () => {
    const client = await connect((await server()).url);
    client.type('yes\r');
    await client.waitFor(/(y\r\n){1000}/);
    client.type('\x03');
    client.type('echo "over-$((1+1))"\r');
    await client.waitFor(/over-2/);
  });

  it('loses nothing over a pause', async () => {
    const client = await connect((await server()).url);
    client.control('2');
    client.type('seq 1 200000; echo "end-$((1+1))"\r');
    client.control('3');
    const lines = (await client.waitFor(/end-2\r\n/)).split('\r\n').filter((line) => /^\d{2,}$/.test(line));
    expect(lines).toHaveLength(200_000 - 9);
    expect(lines.every((line, index) => line === String(index + 10))).toBe(true);
  });

  it('says when the shell has ended, and starts a new one next time', async () => {
    const { url } = await server();
    const client = await connect(url);
    client.type('exit\r');
    expect(await client.closed()).toBe(1000);
    const again = await connect(url);
    again.type('echo "new-$((1+1))"\r');
    await again.waitFor(/new-2/);
  });

  it('outlives a shell that cannot be started', async () => {
    let broken = true;
    const { url } = await server((size) => {
      if (broken) throw new Error('forkpty(3) failed.');
      return bash(size);
    });
    expect(await (await connect(url)).closed()).toBe(1011);
    broken = false;
    const again = await connect(url);
    again.type('echo "fine-$((1+1))"\r');
    await again.waitFor(/fine-2/);
  });

  it('lets nobody in any more once its shells are told to end', async () => {
    const { terminal, url } = await server();
    const client = await connect(url);
    client.type('echo "up-$((1+1))"\r');
    await client.waitFor(/up-2/);
    terminal.hangUp();
    expect(await refusal(url, { authorization: `Basic ${credential}` })).toBe(503);
  });

  it('lets nobody in without the credential', async () => {
    const { url, http } = await server();
    const wrong = { authorization: `Basic ${Buffer.from('user:wrong').toString('base64')}` };
    expect(await refusal(url, {})).toBe(401);
    expect(await refusal(url, wrong)).toBe(401);
    expect((await fetch(`${http}/token`)).status).toBe(401);
    expect((await fetch(`${http}/token`, { headers: wrong })).status).toBe(401);
    expect(await (await connect(url, { token: 'wrong' })).closed()).toBe(1008);
  });

  it('has a page, which nobody sees without the credential', async () => {
    const { http } = await server();
    const headers = { authorization: `Basic ${credential}` };
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/page.mjs', 'text/javascript'],
      ['/xterm.mjs', 'text/javascript'],
      ['/addon-fit.mjs', 'text/javascript'],
      ['/xterm.css', 'text/css'],
    ] as const) {
      expect((await fetch(http + path)).status).toBe(401);
      const answer = await fetch(http + path, { headers });
      expect(answer.headers.get('content-type')).toContain(type);
      expect((await answer.text()).length).toBeGreaterThan(100);
    }
    for (const path of ['/constructor', '/..%2fpage.mjs', '/package.json'])
      expect((await fetch(http + path, { headers })).status).toBe(404);
  });

  it('outlives a request that cannot be read', async () => {
    const { http, url } = await server();
    const port = Number(new URL(http).port);
    for (const upgrade of ['', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'])
      for (const authorization of ['', `Authorization: Basic ${credential}\r\n`]) {
        const socket = connectTcp(port, '127.0.0.1');
        socket.write(`GET // HTTP/1.1\r\nHost: x\r\n${upgrade}${authorization}\r\n`);
        const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
        expect(answer.toString()).toMatch(/^HTTP\/1\.1 40[14] /);
        socket.destroy();
      }
    const client = await connect(url);
    client.type('echo "fine-$((1+1))"\r');
    await client.waitFor(/fine-2/);
  });

  it('hands out the token as ttyd does', async () => {
    const { http } = await server();
    const answer = await fetch(`${http}/token`, { headers: { authorization: `Basic ${credential}` } });
    expect(await answer.json()).toEqual({ token: credential });
  });

  it.each(['a/b', '..', 'a%20b', '', 'x'.repeat(65)])('refuses session id %j', async (session) => {
    const { url } = await server();
    expect(await refusal(`${url}?arg=${session}`, { authorization: `Basic ${credential}` })).toBe(400);
  });
});
