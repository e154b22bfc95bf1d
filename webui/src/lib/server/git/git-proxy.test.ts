import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../config.js';
import { startServices, type Services } from '../services.js';
import { startPostgres, type PostgresForTests } from '../testing/postgres-for-tests.js';
import { until } from '../testing/until.js';
import type { SessionUser } from '../users.js';
import { GitBackendForTests } from './backend-for-tests.js';
import { createGitProxy, type GitProxy } from './git-proxy.js';

const DEPLOY_TOKEN = 'deploy-0123456789-0123456789-0123456789';
const OFFER = '/gitops.git/info/refs?service=git-upload-pack';
const FETCH = '/gitops.git/git-upload-pack';
const MEBIBYTE = 1024 * 1024;

describe('git through the portal', () => {
  let folder: string;
  let postgres: PostgresForTests;
  let backend: GitBackendForTests;
  let services: Services;
  let proxy: GitProxy;
  let portal: Server;
  let ada: SessionUser;
  let token: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fsa-git-'));
    await writeFile(join(folder, 'key'), '07'.repeat(32));
    await writeFile(join(folder, 'deploy'), `${DEPLOY_TOKEN}\n`);
    [postgres, backend] = await Promise.all([
      startPostgres(),
      GitBackendForTests.start(join(folder, 'gitops.git'), Buffer.alloc(32, 7)),
    ]);
    services = startServices(
      readConfig({
        DATABASE_URL: await postgres.database(),
        CONTROLLER_URL: backend.url,
        CONTROLLER_TOKEN_KEY_FILE: join(folder, 'key'),
        GITOPS_READ_TOKEN_FILE: join(folder, 'deploy'),
        LOG_LEVEL: 'silent',
      }),
    );
    await services.ready;
    ada = await services.accounts.create({ username: 'ada', passwordHash: '-' }, 'open');
    token = (await services.tokens.create(ada.id, { name: 'git' })).token;
    proxy = createGitProxy(services);
    portal = createServer((request, response) => {
      if (!proxy.serve(request, response)) response.writeHead(418).end();
    });
    await once(portal.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    backend.instead = undefined;
    backend.seen.length = 0;
  });
  afterAll(async () => {
    portal.closeAllConnections();
    portal.close();
    await Promise.all([services.close(), backend.stop()]);
    await postgres.remove();
    await rm(folder, { recursive: true });
  });

  const host = (): string => `127.0.0.1:${(portal.address() as AddressInfo).port}`;
  const basic = (password: string, user = 'git'): string =>
    `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  async function ask(path: string, authorization?: string): Promise<{ response: Response; text: string }> {
    const response = await fetch(`http://${host()}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    return { response, text: await response.text() };
  }

  /** Stock git, which asks for the password as it would ask a person. */
  async function git(...args: readonly string[]): Promise<{ code: number | null; shown: string }> {
    const askpass = join(folder, 'askpass');
    await writeFile(askpass, `#!/bin/sh\ncase "$1" in Username*) echo ada;; *) echo "$TOKEN";; esac\n`, {
      mode: 0o755,
    });
    const child = spawn('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        GIT_ASKPASS: askpass,
        TOKEN: token,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        LC_ALL: 'C',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let shown = '';
    child.stderr.on('data', (chunk) => (shown += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, shown };
  }

  it('lets stock git clone and push with an access token as the password', async () => {
    const address = `http://${host()}/gitops.git`;
    expect(await git('clone', '--quiet', address, 'one')).toMatchObject({ code: 0 });
    await writeFile(join(folder, 'one', 'file'), 'text');
    for (const args of [
      ['add', 'file'],
      ['commit', '-qm', 'One'],
      ['push', '-q', 'origin', 'HEAD:main'],
    ])
      expect(await git('-C', 'one', ...args)).toMatchObject({ code: 0 });
    expect(await git('clone', '--quiet', address, 'two')).toMatchObject({ code: 0 });
    expect(backend.seen.map(({ claims }) => claims)).toContainEqual(
      expect.objectContaining({ sub: ada.id, name: 'ada', operator: true }),
    );
    expect(backend.seen[0]?.request.headers['git-protocol']).toBe('version=2');
  });

  it.each([
    ['a Bearer token', (): string => `Bearer ${token}`],
    ['any user name', (): string => basic(token, 'anybody')],
  ])('takes %s', async (_what, authorization) => {
    expect((await ask(OFFER, authorization())).response.status).toBe(200);
  });

  it('names the deploy token as one that reads and is nobody', async () => {
    expect((await ask(OFFER, basic(DEPLOY_TOKEN))).response.status).toBe(200);
    const { sub, name, operator, repository } = backend.seen[0]?.claims ?? {};
    expect({ sub, name, operator, repository }).toEqual({
      sub: 'deploytoken',
      name: 'deploy token',
      operator: false,
      repository: 'read',
    });
  });

  it.each([
    ['nothing', undefined],
    ['a wrong token', basic(`fsa_${'x'.repeat(40)}`)],
    ['a wrong deploy token', basic(DEPLOY_TOKEN.replace('0', '1'))],
    ['a token as the user name', basic('', DEPLOY_TOKEN)],
    ['another scheme', `Digest ${DEPLOY_TOKEN}`],
    ['no base64', 'Basic :::'],
  ])('asks for a password where there is %s', async (_what, authorization) => {
    const { response, text } = await ask(OFFER, authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect(text).toMatch(/access token/);
    expect(backend.seen).toEqual([]);
  });

  it.each([
    '/gitops.git',
    '/gitops.git/HEAD',
    '/gitops.git/info/refs',
    `${OFFER}&x=1`,
    '/gitops.git/../v1/events',
  ])('passes nothing on but what the smart protocol asks: %s', async (path) => {
    const status = await new Promise((resolve) => {
      httpRequest(`http://${host()}`, { path, headers: { authorization: basic(token) } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(404);
    expect(backend.seen).toEqual([]);
  });

  it('leaves every other address alone', async () => {
    expect((await ask('/gitops.github')).response.status).toBe(418);
  });

  it('shows the controller’s refusal as it is', async () => {
    backend.instead = (_request, response) => {
      response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '5', 'x-inside': '1' });
      response.end('Too many.\n');
    };
    const { response, text } = await ask(OFFER, basic(token));
    expect([response.status, response.headers.get('retry-after'), text]).toEqual([503, '5', 'Too many.\n']);
    expect(response.headers.has('x-inside')).toBe(false);
    const { shown } = await git('ls-remote', `http://${host()}/gitops.git`);
    expect(shown).toContain('remote: Too many.');
  });

  /** A POST whose body and answer the test has in its hands. */
  function exchange(): { outgoing: ReturnType<typeof httpRequest>; answer: Promise<IncomingMessage> } {
    const outgoing = httpRequest(`http://${host()}${FETCH}`, {
      method: 'POST',
      headers: { authorization: basic(token), 'content-type': 'application/x-git-upload-pack-request' },
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject);
    });
    answer.catch(() => undefined);
    return { outgoing, answer };
  }

  it('passes a request on while it is still being sent, and its answer while it is still being made', async () => {
    backend.instead = (request, response) => request.pipe(response);
    const { outgoing, answer } = exchange();
    outgoing.write('first');
    const incoming = await answer;
    expect(String((await once(incoming, 'data'))[0])).toBe('first');
    outgoing.end('second');
    expect(String((await once(incoming, 'data'))[0])).toBe('second');
  });

  it('brings back an answer that comes before the request is over', async () => {
    backend.instead = (_request, response) => {
      response.writeHead(413, { 'content-type': 'text/plain' }).end('Too large.\n');
    };
    const response = await fetch(`http://${host()}${FETCH}`, {
      method: 'POST',
      headers: { authorization: basic(token) },
      body: Buffer.alloc(40 * MEBIBYTE),
    });
    expect([response.status, await response.text()]).toEqual([413, 'Too large.\n']);
  });

  it('holds little of a large answer, however slowly it is read', async () => {
    const size = 300 * MEBIBYTE;
    let written = 0;
    backend.instead = (_request, response) => {
      const chunk = Buffer.alloc(MEBIBYTE, 1);
      const more = (): void => {
        while (written < size) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
        response.end();
      };
      response.on('drain', more);
      more();
    };
    const { outgoing, answer } = exchange();
    outgoing.end();
    const incoming = await answer;
    // Nobody reads: what is written stops growing at what the sockets hold.
    const standing = await until('the answer to stand still', async () => {
      const before = written;
      await pause(300);
      return written === before && before;
    });
    expect(standing).toBeLessThan(64 * MEBIBYTE);
    let read = 0;
    for await (const chunk of incoming) read += (chunk as Buffer).length;
    expect(read).toBe(size);
  });

  it.each(['while it sends', 'while it reads'])(
    'ends the backend when the client goes away %s',
    async (when) => {
      let ended = false;
      let begun = false;
      backend.instead = (request, response) => {
        begun = true;
        response.on('close', () => (ended = true));
        request.resume();
        if (when === 'while it reads') response.write('some');
      };
      const { outgoing, answer } = exchange();
      outgoing.on('error', () => undefined);
      if (when === 'while it sends') outgoing.write('some');
      else {
        outgoing.end();
        (await answer).on('error', () => undefined);
      }
      await until('the backend to be asked', () => begun);
      outgoing.destroy();
      await until('the backend to be told', () => ended);
    },
  );

  it('ends an answer when its token is deleted', async () => {
    backend.instead = (_request, response) => response.write('some');
    const { outgoing, answer } = exchange();
    outgoing.end();
    const incoming = await answer;
    const closed = new Promise((resolve) => incoming.once('error', resolve).resume());
    services.live.end(String(await keyOf()));
    expect(String(await closed)).toContain('aborted');
  });

  const keyOf = async (): Promise<string | undefined> => (await services.tokens.find(token))?.key;
});
