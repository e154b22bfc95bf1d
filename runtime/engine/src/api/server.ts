import { createHash, timingSafeEqual } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { ExecServer, type Upgrade } from '../exec/serve-exec.js';
import type { ExecProcess, ExecRequest } from '../exec/types.js';
import type { ContainerLog } from '../logs/index.js';
import type { KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';
import { discovery, fixedAnswer } from './discovery.js';
import { json } from './replies.js';
import { parsePath } from './request-path.js';
import { Resources } from './resources.js';
import type { ServingCertificate } from './serving-certificate.js';
import { ApiError, badRequest, notAllowed, notFound, statusObject } from './status.js';

export interface ApiServerOptions {
  readonly store: Store;
  readonly token: string;
  readonly tls: ServingCertificate;
  /** Runs a program in a pod. Throws ExecError where it cannot. */
  readonly exec: (pod: KubeObject, request: ExecRequest) => Promise<ExecProcess>;
  /** Keeps what is in a sandbox's workspace (docs/adr/0014). Throws ApiError. */
  readonly snapshot?: (pod: KubeObject, body: unknown) => Promise<object>;
  /** What an object's files take on the disk. Throws ApiError. */
  readonly usage?: (object: KubeObject) => Promise<object>;
  /** Claude Code on this machine (docs/adr/0019). Throws ApiError. */
  readonly agent?: AgentOrders;
  /** What a pod's process prints, where that is kept. */
  readonly containerLog?: (pod: KubeObject) => ContainerLog | undefined;
  readonly log: Pick<Logger, 'error'>;
}

export interface AgentOrders {
  state(): Promise<object>;
  act(body: unknown): Promise<object>;
}

/** A browser that was lured here by another name (DNS rebinding) sends that name. */
const OWN_HOST = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

/** The part of the Kubernetes API that the official clients and `kubectl get` need, on 127.0.0.1. */
export class ApiServer {
  readonly #server: Server;
  readonly #resources: Resources;
  readonly #exec = new ExecServer();

  constructor(private readonly options: ApiServerOptions) {
    this.#resources = new Resources(options.store, options);
    this.#server = createServer(
      { key: options.tls.key, cert: options.tls.certificate },
      (request, response) => {
        void this.#handle(request, response);
      },
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade({ request, socket, head });
    });
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#exec.close();
    this.#server.closeAllConnections();
    return closed;
  }

  #upgrade(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    socket.on('error', () => socket.destroy());
    try {
      this.#authorizeHost(request);
      this.#authorize(request);
      const { pathname, searchParams } = urlOf(request);
      const target = parsePath(pathname);
      if (target?.type !== 'resource') throw notFound('The server could not find the requested resource.');
      const pod = this.#resources.podToExec(target);
      if (!ExecServer.speaks(request)) throw badRequest(NO_COMMON_PROTOCOL);
      this.#exec.serve(upgrade, searchParams, (asked) => this.options.exec(pod, asked));
    } catch (error) {
      refuseUpgrade(socket, error instanceof ApiError ? error : this.#unexpected(error));
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    request.resume();
    try {
      await this.#answer(request, response);
    } catch (error) {
      const refusal = error instanceof ApiError ? error : this.#unexpected(error);
      if (response.headersSent) response.destroy();
      else json(response, statusObject(refusal), refusal.status);
    }
  }

  #unexpected(error: unknown): ApiError {
    this.options.log.error({ err: error }, 'an API request failed');
    return new ApiError(500, 'InternalError', 'The engine could not answer this.');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#authorizeHost(request);
    this.#authorize(request);
    const { pathname, searchParams } = urlOf(request);
    const target = parsePath(pathname);
    if (target === undefined) throw notFound('The server could not find the requested resource.');
    if (target.type === 'resource') {
      await this.#resources.answer(target, { request, response, query: searchParams });
      return;
    }
    if (request.method !== 'GET') throw notAllowed(request.method ?? '');
    json(
      response,
      target.type === 'fixed' ? fixedAnswer(target.path) : discovery(target.group, target.version),
    );
  }

  #authorizeHost(request: IncomingMessage): void {
    if (!OWN_HOST.test(request.headers.host ?? ''))
      throw new ApiError(403, 'Forbidden', 'This host is not served here.');
  }

  #authorize(request: IncomingMessage): void {
    const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    const same = timingSafeEqual(digest(token), digest(this.options.token));
    if (scheme.toLowerCase() !== 'bearer' || !same)
      throw new ApiError(401, 'Unauthorized', 'A bearer token is needed: it is in the kubeconfig.');
  }
}

const NO_COMMON_PROTOCOL =
  'This engine speaks exec over WebSockets (v5.channel.k8s.io, v4.channel.k8s.io). kubectl does so from 1.31 on, or with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true.';

function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(statusObject(error));
  socket.end(
    [
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? error.reason}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

function urlOf(request: IncomingMessage): URL {
  try {
    const url = new URL(request.url ?? '/', 'http://engine');
    decodeURIComponent(url.pathname);
    return url;
  } catch (error) {
    throw error instanceof URIError || error instanceof TypeError
      ? badRequest('The path cannot be read.')
      : error;
  }
}
