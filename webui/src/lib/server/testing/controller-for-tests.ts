import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  problem,
  sharedTerminalClaims,
  tokenClaims,
  type Problem,
  type SharedTerminalClaims,
  type TokenClaims,
} from '@fullstackagent/controller/contract';
import { jwtVerify } from 'jose';
import { WebSocketServer, type WebSocket } from 'ws';

export const TOKEN_KEY = Buffer.alloc(32, 7);

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly requestId: string | undefined;
  readonly claims: TokenClaims;
  readonly body: unknown;
}

type Answer = { readonly status: number; readonly body: unknown } | 'hang up' | 'hang up once';

/**
 * The outside world of the portal: an HTTP server that checks the portal's token as the controller does, each once, answers what a
 * test told it to, and remembers what it was asked.
 */
export class ControllerForTests {
  readonly seen: SeenRequest[] = [];
  readonly streams = new Set<ServerResponse>();
  /** And connections of SSH clients. */
  readonly terminals: { readonly socket: WebSocket; readonly url: string; readonly claims: TokenClaims }[] =
    [];
  /** Guests of shared terminals, with what their token says. */
  readonly guests: { readonly socket: WebSocket; readonly claims: SharedTerminalClaims }[] = [];
  isolation: 'cluster' | 'none' = 'cluster';
  readonly #answers = new Map<string, Answer>();
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  readonly #used = new Set<string>();
  #refusal: Problem | undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      if (request.url === '/v1/shared-terminal') {
        void this.#serveGuest(request, { socket, head });
        return;
      }
      void this.#claims(request).then((claims) => {
        if (this.#refusal !== undefined) {
          const body = JSON.stringify(this.#refusal);
          socket.end(
            `HTTP/1.1 ${this.#refusal.status} Refused\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
          );
          return;
        }
        this.#sockets.handleUpgrade(request, socket, head, (client) => {
          this.terminals.push({ socket: client, url: request.url ?? '', claims });
          client.send(Buffer.from('0welcome'));
        });
      });
    });
  }

  static async start(): Promise<ControllerForTests> {
    const controller = new ControllerForTests();
    await new Promise<void>((resolve) => controller.#server.listen(0, '127.0.0.1', resolve));
    return controller;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What `POST /v1/…` and the like are answered with from now on; undefined takes it back. */
  answer(request: string, answer: Answer | undefined): void {
    if (answer === undefined) this.#answers.delete(request);
    else this.#answers.set(request, answer);
  }

  /** Every terminal is refused with this from now on. */
  refuseTerminals(refusal: Problem | undefined): void {
    this.#refusal = refusal;
  }

  async stop(): Promise<void> {
    for (const { socket } of [...this.terminals, ...this.guests]) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const claims = await this.#claims(request).catch(() => undefined);
    if (claims === undefined) {
      send(response, 401, problem('UNAUTHENTICATED', 'The token is not valid.'));
      return;
    }
    const { method = '', url = '' } = request;
    const header = request.headers['x-request-id'];
    const body = await bodyOf(request);
    this.seen.push({ method, url, claims, body, requestId: typeof header === 'string' ? header : undefined });
    const answer = this.#answers.get(`${method} ${url}`);
    if (answer === 'hang up once') this.#answers.delete(`${method} ${url}`);
    if (answer === 'hang up' || answer === 'hang up once') request.socket.destroy();
    else if (answer !== undefined) send(response, answer.status, answer.body);
    else this.#serveByItself(response, { method, url });
  }

  #serveByItself(response: ServerResponse, { method, url }: { method: string; url: string }): void {
    if (url === '/v1/platform') send(response, 200, { isolation: this.isolation });
    else if (url.startsWith('/v1/events')) this.#stream(response);
    else if (method === 'PUT' && url.startsWith('/v1/tenants/')) send(response, 200, {});
    else send(response, 404, problem('NOT_FOUND', 'There is no such project.'));
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: snapshot\ndata: {"type":"snapshot","projects":[]}\n\n');
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  async #serveGuest(
    request: IncomingMessage,
    { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  ): Promise<void> {
    const claims = sharedTerminalClaims.parse(await this.#verified(request, 'shared-terminal'));
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      this.guests.push({ socket: client, claims });
    });
  }

  async #claims(request: IncomingMessage): Promise<TokenClaims> {
    return tokenClaims.parse(await this.#verified(request, 'controller'));
  }

  async #verified(request: IncomingMessage, audience: string): Promise<unknown> {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    const { payload } = await jwtVerify(token, TOKEN_KEY, {
      algorithms: ['HS256'],
      issuer: 'portal',
      audience,
      maxTokenAge: 60,
      requiredClaims: ['exp', 'iat', 'sub', 'jti'],
    });
    const { jti = '' } = payload;
    if (this.#used.has(jti)) throw new Error('This token was used before.');
    this.#used.add(jti);
    return payload;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}
