import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { tokenClaims, type TokenClaims } from '@fullstackagent/controller/contract';
import { jwtVerify } from 'jose';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the portal passes git's requests on to: a real `git http-backend` behind a check of the portal's token. */
export class GitBackendForTests {
  readonly seen: { readonly claims: TokenClaims; readonly request: IncomingMessage }[] = [];
  /** Answers instead of git, while it is there. */
  instead: Handler | undefined;
  readonly #server: Server;

  private constructor(
    private readonly repository: string,
    key: Uint8Array,
  ) {
    this.#server = createServer((request, response) => {
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      jwtVerify(token, key, { issuer: 'portal', audience: 'controller' }).then(
        ({ payload }) => {
          this.seen.push({ claims: tokenClaims.parse(payload), request });
          (this.instead ?? this.#git)(request, response);
        },
        () => response.writeHead(401).end(),
      );
    });
  }

  static async start(repository: string, key: Uint8Array): Promise<GitBackendForTests> {
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
    const backend = new GitBackendForTests(repository, key);
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  readonly #git: Handler = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://git');
    const child = spawn('git', ['http-backend'], {
      env: {
        // eslint-disable-next-line no-restricted-syntax -- git is found as it is by whoever runs the tests
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: dirname(this.repository),
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.receivepack',
        GIT_CONFIG_VALUE_0: 'true',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('close', () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf('\r\n\r\n');
      for (const line of answer.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(': ');
        if (name !== 'Status') response.setHeader(name, value);
      }
      response.end(answer.subarray(end + 4));
    });
  };
}
