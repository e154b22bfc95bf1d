import {
  Agent as PlainAgent,
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { Agent as SecureAgent, request as requestSecure } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@fullstackagent/controller/contract';
import { errorFromProblem } from './controller-request.js';

export interface UpstreamRequest {
  readonly controllerUrl: string;
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

const PROBLEM_LIMIT_BYTES = 64 * 1024;

/**
 * A connection for each request: one that was kept may have ended just now, and a stream is not sent twice. The
 * controller is told to keep it all the same: it would else cut it off when it has answered, and the answer would be
 * lost with what was still being sent.
 */
const CONNECTIONS = { keepAlive: true, maxFreeSockets: 0 };
const plainConnections = new PlainAgent(CONNECTIONS);
const secureConnections = new SecureAgent(CONNECTIONS);

/** A request to the controller whose body is written piece by piece. */
export function openUpstream({ controllerUrl, method, path, headers }: UpstreamRequest): ClientRequest {
  const target = new URL(controllerUrl);
  const secure = target.protocol === 'https:';
  return (secure ? requestSecure : requestPlain)(target, {
    method,
    path: `${target.pathname.replace(/\/$/, '')}${path}`,
    headers,
    agent: secure ? secureConnections : plainConnections,
  });
}

/** The head of the answer, whatever it says. Throws NOT_READY where nobody answered. */
export function responseOf(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.on('error', (cause) => {
      reject(notAnswering(cause));
    });
    upstream.once('close', () => {
      reject(notAnswering(undefined));
    });
  });
}

/** The head of a success. Throws the controller's own problem, or NOT_READY where nobody answered. */
export async function answerOf(upstream: ClientRequest): Promise<IncomingMessage> {
  const incoming = await responseOf(upstream);
  const { statusCode = 0 } = incoming;
  if (statusCode >= 200 && statusCode < 300) return incoming;
  throw errorFromProblem(statusCode, await textOf(incoming).catch(() => ''));
}

export interface Passing {
  readonly response: ServerResponse;
  readonly upstream: ClientRequest;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Begins to write the request's body; `answered` settles with the head of the answer. */
  readonly send: (answered: Promise<IncomingMessage>) => void;
  /** Throws what is told to the client in place of this answer. */
  readonly accept: (upstream: ClientRequest) => Promise<IncomingMessage>;
  /** What of the answer's head goes back. */
  readonly headers: (incoming: IncomingMessage) => OutgoingHttpHeaders;
}

/**
 * Passes a request on and its answer back as the bytes come, each side as fast as the other one. When one end goes away
 * the other is told. Rejects before the head of an answer was sent with what `accept` throws, later with why the bytes
 * stopped.
 */
export async function passThrough({
  response,
  upstream,
  signal,
  send,
  accept,
  headers,
}: Passing): Promise<void> {
  const end = (): void => void upstream.destroy();
  const leave = (): void => {
    if (!response.writableFinished) end();
  };
  response.once('close', leave);
  signal.addEventListener('abort', end);
  try {
    if (signal.aborted || response.destroyed) end();
    const answered = accept(upstream);
    send(answered);
    const incoming = await answered;
    response.writeHead(incoming.statusCode ?? 502, headers(incoming));
    await pipeline(incoming, response);
  } finally {
    signal.removeEventListener('abort', end);
    response.off('close', leave);
  }
}

const notAnswering = (cause: unknown): AppError =>
  new AppError('NOT_READY', 'The platform is not answering right now. Try again in a moment.', { cause });

/** Read with a limit: who answers with more has no problem document for us. */
async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > PROBLEM_LIMIT_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
