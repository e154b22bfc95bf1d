import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Logger } from 'pino';
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
  readonly log: Pick<Logger, 'error'>;
}

/** A browser that was lured here by another name (DNS rebinding) sends that name. */
const OWN_HOST = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

/** The part of the Kubernetes API that the official clients and `kubectl get` need, on 127.0.0.1. */
export class ApiServer {
  readonly #server: Server;
  readonly #resources: Resources;

  constructor(private readonly options: ApiServerOptions) {
    this.#resources = new Resources(options.store);
    this.#server = createServer(
      { key: options.tls.key, cert: options.tls.certificate },
      (request, response) => {
        void this.#handle(request, response);
      },
    );
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
    this.#server.closeAllConnections();
    return closed;
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
    if (!OWN_HOST.test(request.headers.host ?? ''))
      throw new ApiError(403, 'Forbidden', 'This host is not served here.');
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

  #authorize(request: IncomingMessage): void {
    const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    const same = timingSafeEqual(digest(token), digest(this.options.token));
    if (scheme.toLowerCase() !== 'bearer' || !same)
      throw new ApiError(401, 'Unauthorized', 'A bearer token is needed: it is in the kubeconfig.');
  }
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
