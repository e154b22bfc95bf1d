import { Agent, ServerResponse, type IncomingMessage } from 'node:http';
import { Socket, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ServerOptions } from 'http-proxy-3';
import { isErrno } from '../files/durable.js';
import { brokenApp, nothingListens, sendNotice, type Notice } from './pages.js';
import type { IngressLog } from './types.js';

/** A port of this machine's loopback. */
export interface Upstream {
  readonly port: number;
}

export interface Forwarder {
  /** What is set on `response` already stays, beside what the app sets. */
  request(request: IncomingMessage, response: ServerResponse, upstream: Upstream): void;
  upgrade(request: IncomingMessage, socket: Duplex, rest: { head: Buffer; upstream: Upstream }): void;
}

export interface ForwarderOptions {
  readonly log: IngressLog;
  /** Somebody in between takes every connection: nobody listening looks like an app that hangs up. */
  readonly relayed: boolean;
}

/** The proxy itself: bodies are streamed in both directions, nothing is buffered or rewritten. */
export function createForwarder({ log, relayed }: ForwarderOptions): Forwarder {
  const proxy = createProxyServer({
    // The path goes through as it was sent: by default the library would resolve `..` and `//` in it.
    toProxy: true,
    // Our own addition instead of the library's: what a client claims about itself is dropped.
    xfwd: false,
  });
  /** Connections on which an answer has begun: an error page would be garbage in the middle of it. */
  const answered = new WeakSet<Socket>();
  proxy.on('proxyReqWs', (outgoing, _request, socket) => {
    outgoing.once('upgrade', () => answered.add(socket));
    outgoing.once('response', () => answered.add(socket));
  });
  proxy.on('proxyRes', (answer, _request, response) => {
    // Of the connection to the app, which ends with this answer; a browser keeps its own for the next (RFC 9110, 7.6.1).
    Reflect.deleteProperty(answer.headers, 'connection');
    Reflect.deleteProperty(answer.headers, 'keep-alive');
    keepCookies(answer, response);
    // Headers go out when they are there: an event stream may stay silent for a long time after them.
    queueMicrotask(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
    // An app that dies in the middle of an answer: the client has to see a broken answer, not wait for ever.
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
  });
  proxy.on('error', (error, request, target) => {
    log.debug({ err: error, host: request.headers.host }, 'An app did not answer');
    if (!(target instanceof Socket)) answerFailure(request, target, noticeFor(error, relayed));
    else if (answered.has(target)) target.destroy();
    else answerOnSocket(request, target, noticeFor(error, relayed));
  });
  proxy.on('econnreset', (_error, _request, target) => {
    target.destroy();
  });
  return {
    request: (request, response, upstream) => {
      prepareHeaders(request);
      const headers = { connection: 'close' };
      keepingBody(request, (method) =>
        proxy.web(request, response, { ...options(upstream), method, headers }),
      );
    },
    upgrade: (request, socket, { head, upstream }) => {
      prepareHeaders(request);
      proxy.ws(request, socket, head, options(upstream));
    },
  };
}

/** Servers that are told to listen on `localhost` choose one of the two. */
const bothLoopbacks: LookupFunction = (_name, _options, found) => {
  found(null, [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]);
};

const agent = new Agent({ lookup: bothLoopbacks, autoSelectFamily: true });

const options = ({ port }: Upstream): ServerOptions => ({
  target: { protocol: 'http:', host: 'localhost', port },
  agent,
});

/** Headers that speak about the way here, set anew by the first proxy a request meets: us. */
function prepareHeaders(request: IncomingMessage): void {
  const { headers } = request;
  for (const name of [
    'forwarded',
    'x-forwarded-server',
    'x-real-ip',
    'proxy-connection',
    'proxy-authorization',
  ]) {
    Reflect.deleteProperty(headers, name);
  }
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? '127.0.0.1';
  headers['x-forwarded-host'] = headers.host ?? '';
  headers['x-forwarded-port'] = String(request.socket.localPort ?? '');
  headers['x-forwarded-proto'] = 'http';
  if (headers['transfer-encoding'] !== undefined) {
    // Chunked wins over a length (RFC 9112, section 6.3): two lengths are how requests are smuggled.
    Reflect.deleteProperty(headers, 'content-length');
  }
}

/**
 * The library takes the body away from a DELETE or OPTIONS that is sent in chunks, going by the request's method.
 * It sends the method it is given, so for the moment that it looks the request is called something else.
 */
function keepingBody(request: IncomingMessage, forward: (method: string) => void): void {
  const method = request.method ?? 'GET';
  const chunked = request.headers['transfer-encoding'] !== undefined;
  if (chunked && (method === 'DELETE' || method === 'OPTIONS')) request.method = 'POST';
  try {
    forward(method);
  } finally {
    request.method = method;
  }
}

/** Cookies of whoever was asked whether the request may pass; the library would put the app's in their place. */
function keepCookies(answer: IncomingMessage, response: ServerResponse): void {
  const ours = response.getHeader('set-cookie');
  if (Array.isArray(ours)) answer.headers['set-cookie'] = [...ours, ...(answer.headers['set-cookie'] ?? [])];
}

function noticeFor(error: Error, relayed: boolean): Notice {
  const refused = isErrno(error, 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT');
  return refused || (relayed && isErrno(error, 'ECONNRESET')) ? nothingListens : brokenApp;
}

function answerFailure(request: IncomingMessage, response: ServerResponse, notice: Notice): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.setHeader('connection', 'close');
  sendNotice(request, response, notice);
}

/** Answers a request that came as an upgrade: a browser shows the status in its console, curl the text. */
export function answerOnSocket(request: IncomingMessage, socket: Socket, notice: Notice): void {
  if (socket.destroyed || !socket.writable) return;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  sendNotice(request, response, notice);
}
