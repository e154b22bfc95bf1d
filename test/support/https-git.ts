import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { removeFolder, temporaryFolder } from './folders.js';

/** A git server on this machine, as GitHub is one: stock `git http-backend` over HTTPS, with a certificate of its own. */
export class HttpsGit {
  /** Who asks without it is told to say who they are; undefined: everybody may read. */
  password: string | undefined;
  #held: (() => void)[] | undefined;

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<HttpsGit> {
    const folder = temporaryFolder('https-git');
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    const git = new HttpsGit(folder, server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      git.#whenFree(() => {
        git.#answer(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return git;
  }

  /** Path of the certificate, for `GIT_SSL_CAINFO`. */
  get certificate(): string {
    return join(this.folder, 'tls.crt');
  }

  urlOf(name: string): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}/${name}.git`;
  }

  /** A repository with these files on branch `trunk`. */
  add(name: string, files: Readonly<Record<string, string>>): void {
    const work = join(this.folder, 'work', name);
    const git = (...args: string[]): unknown =>
      execFileSync('git', ['-C', work, '-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
        stdio: 'pipe',
      });
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), content);
    }
    git('init', '--quiet', '--initial-branch=trunk');
    git('add', '.');
    git('commit', '--quiet', '--message=First');
    git('clone', '--quiet', '--bare', '.', join(this.folder, 'served', `${name}.git`));
  }

  /** Until {@link release} nothing is answered. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
    removeFolder(this.folder);
  }

  #whenFree(answer: () => void): void {
    if (this.#held === undefined) answer();
    else this.#held.push(answer);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const wanted = Buffer.from(`x-access-token:${this.password ?? ''}`).toString('base64');
    if (this.password !== undefined && request.headers.authorization !== `Basic ${wanted}`) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const { pathname, search } = new URL(request.url ?? '/', 'https://git');
    const { headers } = request;
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: join(this.folder, 'served'),
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        CONTENT_TYPE: headers['content-type'],
        HTTP_CONTENT_ENCODING: headers['content-encoding'],
        GIT_PROTOCOL: headers['git-protocol']?.toString(),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    backend.stdin.on('error', () => undefined);
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.on('close', () => {
      respond(response, Buffer.concat(chunks));
    });
  }
}

/** CGI: headers, an empty line, and the body. */
function respond(response: ServerResponse, output: Buffer): void {
  const end = output.indexOf('\r\n\r\n');
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const [name = '', ...value] = line.split(': ');
    if (name === 'Status') response.statusCode = Number.parseInt(value.join(': '), 10);
    else response.setHeader(name, value.join(': '));
  }
  response.end(output.subarray(end + 4));
}
