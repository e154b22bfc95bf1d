import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

interface Upstream {
  readonly port: number;
  /** A token for one request, of somebody who may read the repository and do nothing else. */
  readonly readerToken: () => string;
}

/**
 * Stands where the portal stands, which needs a PostgreSQL server and a build: it takes the deploy token as the password
 * of HTTP Basic, and passes git's smart protocol on to the controller, which serves the repository.
 */
export class GitGateway {
  readonly #server: Server;

  constructor(
    upstream: Upstream,
    readonly password: string,
  ) {
    this.#server = createServer((request, response) => {
      if (passwordOf(request) === password) passOn(upstream, request, response);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="gitops"' }).end();
    });
  }

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/gitops.git`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const passwordOf = ({ headers }: IncomingMessage): string | undefined =>
  Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':')[1];

function passOn({ port, readerToken }: Upstream, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  const upstream = ask(
    {
      host: '127.0.0.1',
      port,
      method,
      path: url,
      headers: { ...headers, authorization: `Bearer ${readerToken()}` },
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}
