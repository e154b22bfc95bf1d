import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { AppError } from '@fullstackagent/controller/contract';
import { linger } from '../linger.js';
import { asAppError } from '../problems.js';
import { projectKeyOf, type ProjectKey } from '../project-key.js';
import { requestIdFrom } from '../request-id.js';
import { apiHeaders } from '../security-headers.js';
import type { Services } from '../services.js';
import { answerOf, openUpstream, passThrough } from '../upstream.js';
import { findCaller, type Caller } from './caller.js';
import { attachment } from './disposition.js';

export interface FilesProxy {
  /** True for an upload or a download: it is taken care of. */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends what is under way. */
  close(): void;
}

const PATH = /^\/api\/projects\/([^/]+)\/files\/?$/;
const METHODS = ['GET', 'PUT'] as const;
/** What is served here, as the API's description writes it. */
export const STREAMED: readonly string[] = METHODS.map(
  (method) => `${method.toLowerCase()} /api/projects/{id}/files`,
);
/** A connection over which nothing moves: the other end is gone and did not say so. */
const IDLE_MS = 120_000;

interface Exchange {
  readonly services: Services;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly closing: AbortSignal;
  readonly url: URL;
  /** As it stands in the address, still encoded. */
  readonly id: string;
}

/**
 * Files into sandboxes and out of them. SvelteKit's handler limits a body and reads ahead of whoever takes it; here
 * the bytes go through as they come, each side as fast as the other one, and when one end goes away the other is told.
 */
export function createFilesProxy(services: Services): FilesProxy {
  const closing = new AbortController();
  return {
    serve: (request, response) => {
      const url = addressOf(request.url, services.config.origin);
      const id = PATH.exec(url?.pathname ?? '')?.[1];
      if (url === undefined || id === undefined) return false;
      const requestId = requestIdFrom(headerOf(request, 'x-request-id'));
      const exchange = { services, request, response, requestId, closing: closing.signal, url, id };
      for (const [name, value] of Object.entries(apiHeaders(requestId))) response.setHeader(name, value);
      // Node's server destroys what is idle that long, and sets its own limit when the answer has ended.
      request.socket.setTimeout(IDLE_MS);
      answer(exchange).catch((error: unknown) => {
        refuse(exchange, error);
      });
      return true;
    },
    close: () => {
      closing.abort();
    },
  };
}

function addressOf(url: string | undefined, origin: string): URL | undefined {
  return url !== undefined && URL.canParse(url, origin) ? new URL(url, origin) : undefined;
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

async function answer(exchange: Exchange): Promise<void> {
  const { services, request, response, closing } = exchange;
  if (!METHODS.some((method) => method === request.method)) {
    response.setHeader('Allow', METHODS.join(', '));
    throw new AppError(
      'METHOD_NOT_ALLOWED',
      'This address does not know that method. The header Allow says which ones it knows.',
    );
  }
  const caller = await findCaller(services, request);
  if (caller.renewed !== undefined) response.setHeader('Set-Cookie', caller.renewed.serialize());
  const key = projectKeyOf(decoded(exchange.id), caller.user.namespace);
  const connection = await services.live.open(caller.credential);
  if (connection === undefined) throw new AppError('UNAUTHENTICATED', 'Sign in first.');
  try {
    await passOn(exchange, { caller, key }, AbortSignal.any([closing, connection.signal]));
  } finally {
    connection.done();
  }
}

/** What is no text stays as it is, and is then no project's name. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

async function passOn(
  exchange: Exchange,
  who: { caller: Caller; key: ProjectKey },
  signal: AbortSignal,
): Promise<void> {
  const { services, request, response } = exchange;
  const upstream = openUpstream({
    controllerUrl: services.controllers.url,
    method: request.method ?? 'GET',
    path: pathOf(who.key, exchange.url),
    headers: {
      authorization: `Bearer ${await services.controllers.tokenFor(who.caller.user)}`,
      'x-request-id': exchange.requestId,
      ...bodyHeaders(request),
    },
  });
  await passThrough({
    ...{ response, upstream, signal, accept: answerOf },
    send: (answered) => {
      send(request, upstream, answered);
    },
    headers: (incoming) => answerHeaders(exchange, incoming),
  });
}

/** An answer may come before the whole request is read, and counts then: the rest is not sent. */
function send(request: IncomingMessage, upstream: ClientRequest, answered: Promise<unknown>): void {
  request.pipe(upstream);
  const stop = (): void => void request.unpipe(upstream);
  answered.then(stop, stop);
}

const segment = encodeURIComponent;

/** The query goes on as it was read: written anew, it cannot be anything but a query. */
const pathOf = ({ namespace, name }: ProjectKey, { searchParams }: URL): string =>
  `/v1/tenants/${segment(namespace)}/projects/${segment(name)}/files?${searchParams.toString()}`;

function bodyHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  if (request.method !== 'PUT') return {};
  const length = headerOf(request, 'content-length');
  return {
    'content-type': 'application/octet-stream',
    ...(length === undefined ? {} : { 'content-length': length }),
  };
}

function answerHeaders({ request, url }: Exchange, incoming: IncomingMessage): OutgoingHttpHeaders {
  const length = incoming.headers['content-length'];
  const sized = length === undefined ? {} : { 'content-length': length };
  if (request.method !== 'GET') return { 'content-type': 'application/json', ...sized };
  const folder = incoming.headers['content-type']?.startsWith('application/gzip') === true;
  return {
    'content-type': folder ? 'application/gzip' : 'application/octet-stream',
    'content-disposition': attachment(url.searchParams.get('path') ?? '', folder ? '.tar.gz' : ''),
    ...sized,
  };
}

function refuse({ services, request, response, requestId }: Exchange, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    // The head is gone already: a cut connection is how a client learns that the rest did not come.
    response.destroy();
    return;
  }
  const known = asAppError(error);
  const problem = known.toProblem();
  if (problem.status >= 500)
    services.log.warn({ err: known.cause ?? known, requestId, code: known.code }, 'a file was not passed on');
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(body);
  linger(request);
}
