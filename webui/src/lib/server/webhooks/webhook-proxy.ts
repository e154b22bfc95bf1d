import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@fullstackagent/controller/contract';
import { openUpstream, responseOf } from '../upstream.js';
import { linger } from '../linger.js';
import { asAppError } from '../problems.js';
import { requestIdFrom } from '../request-id.js';
import { apiHeaders } from '../security-headers.js';

export interface WebhookProxy {
  /** True for a webhook of the remote: it is taken care of. */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends what is under way. */
  close(): void;
}

const ADDRESS = '/webhooks/remote';
/** What GitHub sends at most; the controller has the same limit. */
const LIMIT_BYTES = 25 * 1024 * 1024;
/** Anybody may connect here: who sends nothing is not waited for. */
const IDLE_MS = 30_000;
/** The signatures of GitHub, Gitea and Forgejo, and GitLab's secret. No cookie, no token, no encoding. */
const SIGNATURES = ['x-hub-signature-256', 'x-gitlab-token'] as const;

interface Exchange {
  readonly controllerUrl: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly closing: AbortSignal;
}

/**
 * The remote's word that somebody pushed. Who sends it has no session and is no page, so none of SvelteKit's checks is
 * about it: its signature over the very bytes is, and the controller checks that. Nothing of it is read or logged here.
 */
export function createWebhookProxy(controllerUrl: string): WebhookProxy {
  const closing = new AbortController();
  return {
    serve: (request, response) => {
      if (request.url?.split('?')[0] !== ADDRESS) return false;
      const requestId = requestIdFrom(undefined);
      for (const [name, value] of Object.entries(apiHeaders(requestId))) response.setHeader(name, value);
      request.socket.setTimeout(IDLE_MS);
      const exchange = { controllerUrl, request, response, requestId, closing: closing.signal };
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

async function answer(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    throw new AppError('METHOD_NOT_ALLOWED', 'A webhook is sent with POST.');
  }
  if (Number(request.headers['content-length'] ?? 0) > LIMIT_BYTES) throw tooLarge();
  await passOn(exchange);
}

async function passOn(exchange: Exchange): Promise<void> {
  const { controllerUrl, request, response, closing } = exchange;
  const upstream = openUpstream({
    controllerUrl,
    method: 'POST',
    path: ADDRESS,
    headers: headersOf(exchange),
  });
  const end = (): void => void upstream.destroy();
  response.once('close', end);
  closing.addEventListener('abort', end);
  try {
    if (closing.aborted || response.destroyed) end();
    const incoming = await Promise.race([responseOf(upstream), excessOf(request, upstream)]);
    const type = incoming.headers['content-type'];
    response.writeHead(incoming.statusCode ?? 502, {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(request.complete ? {} : { connection: 'close' }),
    });
    await pipeline(incoming, response);
    linger(request);
  } finally {
    end();
    response.off('close', end);
    closing.removeEventListener('abort', end);
  }
}

function headersOf({ request, requestId }: Exchange): OutgoingHttpHeaders {
  const chosen = [...SIGNATURES, 'content-length' as const].flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return {
    ...Object.fromEntries(chosen),
    'content-type': 'application/octet-stream',
    'x-request-id': requestId,
  };
}

/** Sends the body on. Rejects where there is more of it than said; without that, it never settles. */
function excessOf(request: IncomingMessage, upstream: ClientRequest): Promise<never> {
  let size = 0;
  request.pipe(upstream);
  upstream.once('close', () => request.unpipe(upstream));
  return new Promise((_resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LIMIT_BYTES) return;
      reject(tooLarge());
      upstream.destroy();
    });
  });
}

const tooLarge = (): AppError => new AppError('TOO_LARGE', 'A webhook has at most 25 MB.');

function refuse({ request, response }: Exchange, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const problem = asAppError(error).toProblem();
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(JSON.stringify(problem));
  linger(request);
}
