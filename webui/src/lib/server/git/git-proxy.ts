import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { AppError } from '@fullstackagent/controller/contract';
import { asAppError } from '../problems.js';
import { requestIdFrom } from '../request-id.js';
import type { Services } from '../services.js';
import { openUpstream, passThrough, responseOf } from '../upstream.js';
import { findGitCaller, type GitCaller } from './credentials.js';

export interface GitProxy {
  /** True for a request about the repository: it is taken care of. */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends what is under way. */
  close(): void;
}

const REPOSITORY = /^\/gitops\.git(?:[/?]|$)/;
/** The requests of git's smart protocol; only they go any further. */
const SMART = /^\/gitops\.git\/(?:info\/refs\?service=)?git-(?:upload|receive)-pack$/;
const PASSED_ON = ['content-type', 'content-encoding', 'content-length', 'git-protocol'] as const;
const PASSED_BACK = [
  'content-type',
  'content-length',
  'cache-control',
  'expires',
  'pragma',
  'retry-after',
] as const;

/**
 * Stock git's way to the repository: finds out who asks, and passes the bytes on, both ways, as they come. Nothing is
 * held in memory, and when one end goes away the other one is told.
 */
export function createGitProxy(services: Services): GitProxy {
  const closing = new AbortController();
  return {
    serve: (request, response) => {
      if (!REPOSITORY.test(request.url ?? '')) return false;
      const requestId = requestIdFrom(undefined);
      answer({ services, request, response, requestId, closing: closing.signal }).catch((error: unknown) => {
        refuse(services, { response, requestId }, error);
      });
      return true;
    },
    close: () => {
      closing.abort();
    },
  };
}

interface Exchange {
  readonly services: Services;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly closing: AbortSignal;
}

async function answer(exchange: Exchange): Promise<void> {
  const { services, request, closing } = exchange;
  if (!SMART.test(request.url ?? ''))
    throw new AppError(
      'NOT_FOUND',
      `This is a git repository, served over git's smart protocol: git clone ${services.config.origin}/gitops.git`,
    );
  const caller = await findGitCaller(services, request.headers.authorization);
  const { credential } = caller;
  if (credential === undefined) return passOn(exchange, caller, closing);
  const connection = await services.live.open(credential);
  if (connection === undefined)
    throw new AppError('UNAUTHENTICATED', 'This access token is not valid any more.');
  try {
    await passOn(exchange, caller, AbortSignal.any([closing, connection.signal]));
  } finally {
    connection.done();
  }
}

async function passOn(exchange: Exchange, caller: GitCaller, signal: AbortSignal): Promise<void> {
  const { request, response } = exchange;
  const upstream = openUpstream({
    controllerUrl: exchange.services.controllers.url,
    method: request.method ?? 'GET',
    path: request.url ?? '',
    headers: {
      ...chosen(request.headers, PASSED_ON),
      authorization: `Bearer ${await caller.token()}`,
      'x-request-id': exchange.requestId,
    },
  });
  await passThrough({
    ...{ response, upstream, signal, accept: answerOf },
    send: () => {
      passIn(request, upstream);
    },
    headers: (incoming) => chosen(incoming.headers, PASSED_BACK),
  });
}

/**
 * An answer may come before the whole request is read. The rest is read all the same: many clients hear an answer only
 * when they have sent everything.
 */
function passIn(request: IncomingMessage, upstream: ClientRequest): void {
  upstream.once('close', () => {
    request.unpipe(upstream);
    request.resume();
  });
  request.once('close', () => {
    if (!request.complete) upstream.destroy();
  });
  request.pipe(upstream);
}

async function answerOf(upstream: ClientRequest): Promise<IncomingMessage> {
  const incoming = await responseOf(upstream);
  // Our own token was refused: that is our mistake or a clock's, and another password would not help.
  if (incoming.statusCode === 401) throw new Error('The controller refused the token of the portal.');
  return incoming;
}

function chosen(headers: NodeJS.Dict<string | string[]>, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** In plain text: git shows its user nothing else. */
function refuse(
  { log }: Services,
  { response, requestId }: Pick<Exchange, 'response' | 'requestId'>,
  error: unknown,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = asAppError(error);
  const { status } = known.toProblem();
  if (status >= 500)
    log.warn({ err: known.cause ?? known, requestId, code: known.code }, 'git cannot be served');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="FullstackAgent", charset="UTF-8"' } : {}),
    ...(status === 503 ? { 'retry-after': '5' } : {}),
  });
  response.end(`${known.message}\n`);
}
