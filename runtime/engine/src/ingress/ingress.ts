import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerOnSocket, createForwarder, type Forwarder, type Upstream } from './forward.js';
import { routeOf } from './host.js';
import {
  badRequest,
  nobodyToAsk,
  notForYou,
  sendNotice,
  signInFirst,
  unknownHost,
  waiting,
  type Notice,
} from './pages.js';
import { permissionFor } from './permission.js';
import type { ForwardAuth, Ingress, IngressOptions } from './types.js';

export function createIngress(options: IngressOptions): Ingress {
  return new HostRouter(options);
}

type Decision =
  | { readonly forward: Upstream; readonly cookies: readonly string[] }
  | { readonly notice: Notice; readonly location?: string | undefined };

/** Serves `http://<host>:<port>` for every host that `lookup` knows, on loopback. */
class HostRouter implements Ingress {
  readonly #options: IngressOptions;
  readonly #forwarder: Forwarder;
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();

  constructor(options: IngressOptions) {
    this.#options = options;
    this.#forwarder = createForwarder({ log: options.log, relayed: options.relayed ?? false });
    this.#server = createServer({
      // Cookies of everything that was ever tried on localhost travel together.
      maxHeaderSize: 64 * 1024,
      // An upload may take its time; headers still have a minute (Node's default).
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
    });
    this.#server.on('request', (request, response) => void this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
    this.#server.on('clientError', (_error, socket) => refuse(socket));
    // CONNECT asks for a tunnel to anywhere: never.
    this.#server.on('connect', (_request, socket: Duplex) => refuse(socket));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.log.error({ err: error }, 'The ingress failed'));
        resolve();
      });
    });
  }

  port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The ingress does not listen.');
    return address.port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      // Node forgets a connection once it is upgraded.
      for (const socket of this.#upgraded) socket.destroy();
    });
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const decision = await this.#decide(request);
      if ('forward' in decision) {
        if (decision.cookies.length > 0) response.setHeader('set-cookie', decision.cookies);
        this.#forwarder.request(request, response, decision.forward);
        return;
      }
      if (decision.location !== undefined) {
        response.writeHead(302, { location: decision.location, 'cache-control': 'no-store' }).end();
      } else sendNotice(request, response, decision.notice);
    } catch (error) {
      // A header or path that Node accepts from a client and refuses to send on.
      this.#options.log.debug({ err: error }, 'A request could not be sent on');
      if (response.headersSent) response.destroy();
      else sendNotice(request, response, badRequest);
    }
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    if (!(socket instanceof Socket)) return;
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    try {
      const decision = await this.#decide(request);
      if ('notice' in decision) answerOnSocket(request, socket, decision.notice);
      else if (isWebSocket(request)) {
        this.#forwarder.upgrade(request, socket, { head, upstream: decision.forward });
      } else this.#withoutUpgrade(request, socket, decision.forward);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'An upgrade could not be sent on');
      answerOnSocket(request, socket, badRequest);
    }
  }

  /** curl and Java offer HTTP/2 with every request (`Upgrade: h2c`). A server may ignore that, and answers as usual. */
  #withoutUpgrade(request: IncomingMessage, socket: Socket, upstream: Upstream): void {
    const length = request.headers['content-length'] ?? '0';
    if (length !== '0' || request.headers['transfer-encoding'] !== undefined) {
      // Node has given up parsing this connection: the body cannot be read any more.
      answerOnSocket(request, socket, badRequest);
      return;
    }
    Reflect.deleteProperty(request.headers, 'upgrade');
    Reflect.deleteProperty(request.headers, 'http2-settings');
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    this.#forwarder.request(request, response, upstream);
  }

  async #decide(request: IncomingMessage): Promise<Decision> {
    const route = routeOf(request);
    if (route === undefined) return { notice: badRequest };
    const target = this.#options.lookup(route.host);
    if (target === undefined) return { notice: unknownHost(route.host) };
    if (target.state === 'waiting') return { notice: waiting(target.message) };
    request.url = route.path;
    const forward = { port: target.port };
    return target.auth === undefined
      ? { forward, cookies: [] }
      : this.#ask(request, { forward, ...target.auth });
  }

  async #ask(
    request: IncomingMessage,
    { forward, ...auth }: ForwardAuth & { forward: Upstream },
  ): Promise<Decision> {
    const permission = await permissionFor({ request, path: request.url ?? '/', auth });
    switch (permission.may) {
      case 'pass':
        return { forward, cookies: permission.cookies };
      case 'sign in':
        return { notice: signInFirst, location: permission.location };
      case 'not':
        return { notice: notForYou };
      case 'unknown':
        this.#options.log.warn({ err: permission.cause }, 'Nobody said whether a request may pass');
        return { notice: nobodyToAsk };
    }
  }
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

function refuse(socket: Duplex): void {
  socket.on('error', () => undefined);
  if (socket.writable)
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else socket.destroy();
}
