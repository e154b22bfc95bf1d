import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { dump } from 'js-yaml';
import { SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../shared/repository-for-tests.js';

// eslint-disable-next-line no-restricted-syntax -- the registry is found as it is by whoever runs the tests
const FOLDERS = (process.env['PATH'] ?? '').split(delimiter);
const PROGRAM = FOLDERS.map((folder) => join(folder, 'docker-registry')).find((path) => existsSync(path));

/** Why tests with a real registry are skipped; undefined where there is one. */
export const missingForRegistry =
  PROGRAM === undefined ? 'needs docker-registry on the PATH (Debian: docker-registry)' : undefined;

export const USER = { username: 'platform', password: 'pass: wörd' };
/** Of the password above, as `htpasswd -B` writes it. */
const HTPASSWD = 'platform:$2y$05$tq62WJcDn0nVxHhxJZ26c.mOYyHafgJluByfZ25qJULy4H8oWmPky\n';

export type Auth = 'none' | 'basic' | 'token';

/** CNCF Distribution, on loopback, with a folder of its own; it ends with the test. */
export class RegistryForTests {
  private constructor(
    readonly host: string,
    readonly folder: string,
  ) {}

  static async start(auth: Auth = 'none'): Promise<RegistryForTests> {
    const folder = await temporaryFolder();
    const port = await freePort();
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'storage') } },
      http: { addr: `127.0.0.1:${port}`, secret: 'of-the-tests' },
      ...(await authConfig(auth, folder)),
    };
    await mkdir(join(folder, 'storage'));
    await writeFile(join(folder, 'config.yml'), dump(config));
    const child = spawn(PROGRAM ?? '', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    onTestFinished(() => ended(child));
    const registry = new RegistryForTests(`127.0.0.1:${port}`, folder);
    await registry.#ready(child);
    return registry;
  }

  /** As `docker login` leaves it. */
  async credentialsFile(credential = USER): Promise<string> {
    const file = join(
      this.folder,
      `${createHash('sha256').update(JSON.stringify(credential)).digest('hex')}.json`,
    );
    const auth = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
    await writeFile(file, JSON.stringify({ auths: { [this.host]: { auth } } }));
    return file;
  }

  /** As somebody else reads it. Only without a token's authentication. */
  async get(path: string, accept = '*/*'): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;
    return fetch(`http://${this.host}/v2/${path}`, { headers: { accept, authorization } });
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const answer = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      if (answer !== undefined) return;
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('The registry did not start.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function authConfig(auth: Auth, folder: string): Promise<object> {
  if (auth === 'none') return {};
  if (auth === 'basic') {
    const path = join(folder, 'htpasswd');
    await writeFile(path, HTPASSWD);
    return { auth: { htpasswd: { realm: 'tests', path } } };
  }
  const { certificate, realm } = await startTokenServer(folder);
  return { auth: { token: { realm, service: 'tests', issuer: 'tests', rootcertbundle: certificate } } };
}

/** What hands out tokens for a registry: to whoever has the password, for what was asked. */
async function startTokenServer(folder: string): Promise<{ certificate: string; realm: string }> {
  const [keyFile, certificate] = [join(folder, 'token.key'), join(folder, 'token.crt')];
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=tests', '-keyout', keyFile, '-out', certificate],
  ]);
  const key = createPrivateKey(await readFile(keyFile));
  const pem = await readFile(certificate, 'utf8');
  const x5c = [pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')];
  const expected = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;
  const server: Server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://tokens');
    const [type = '', name = '', actions = ''] = (searchParams.get('scope') ?? '').split(':');
    if (request.headers.authorization !== expected) {
      response.writeHead(401).end('{}');
      return;
    }
    void new SignJWT({ access: [{ type, name, actions: actions.split(',') }] })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', x5c })
      .setIssuer('tests')
      .setSubject(USER.username)
      .setAudience(searchParams.get('service') ?? '')
      .setIssuedAt()
      .setNotBefore('-1 minute')
      .setExpirationTime('2 minutes')
      .setJti('1')
      .sign(key)
      .then((token) => response.end(JSON.stringify({ token })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { certificate, realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` };
}
