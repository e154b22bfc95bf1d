import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, SESSION_ID, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { WebSocketServer, type WebSocket } from 'ws';
import { asAppError } from '../problems.js';
import { projectKeyOf } from '../project-key.js';
import { requestIdFrom } from '../request-id.js';
import type { LiveConnection } from '../live-connections.js';
import { isOwnOrigin } from '../same-origin.js';
import type { Services } from '../services.js';
import { dial, MAX_MESSAGE_BYTES, type Target } from './dial.js';
import { closeWith, join } from './join.js';

const PATH = /^\/api\/projects\/([^/]+)\/terminal$/;

interface Opening {
  /** Of the session that opens the terminal. */
  readonly key: string;
  readonly target: Target;
}

/** Both are open: the session's and the controller's end of a terminal to be. */
interface Ends {
  readonly connection: LiveConnection;
  readonly upstream: WebSocket;
}

export interface Terminals {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/**
 * WebSocket upgrades: terminals, and nothing else. The controller is asked first, so that what it refuses is refused
 * here in the same words and with the same status, before the upgrade.
 */
export function serveTerminals(services: Services): Terminals {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('tty') ? 'tty' : false),
  });
  const accept = (arrival: Arrival, ends: Ends): void => {
    const { request, socket, head } = arrival;
    // Where the handshake fails after all, nobody else ends the controller's end.
    const abandon = (): void => {
      ends.upstream.terminate();
      ends.connection.done();
    };
    socket.once('close', abandon);
    server.handleUpgrade(request, socket, head, (browser) => {
      socket.off('close', abandon);
      serve(browser, ends);
    });
  };
  return {
    upgrade: (request, socket, head) => {
      // Unheard, an error would end the process.
      socket.on('error', () => socket.destroy());
      open(services, { request, socket, head }, accept).catch((error: unknown) => {
        refuse(services, socket, error);
      });
    },
    close: () => {
      for (const browser of server.clients) closeWith(browser, 1001, 'The platform is restarting.');
      server.close();
    },
  };
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

type Accept = (arrival: Arrival, ends: Ends) => void;

async function open(services: Services, arrival: Arrival, accept: Accept): Promise<void> {
  const { key, target } = await readOpening(services, arrival.request);
  const connection = await services.live.open({ kind: 'session', key });
  if (connection === undefined) throw signInFirst();
  try {
    const upstream = await dial(target);
    if (!arrival.socket.destroyed) {
      accept(arrival, { connection, upstream });
      return;
    }
    upstream.terminate();
    connection.done();
  } catch (error) {
    connection.done();
    throw error;
  }
}

const signInFirst = (): AppError => new AppError('UNAUTHENTICATED', 'Sign in first.');

async function readOpening(services: Services, request: IncomingMessage): Promise<Opening> {
  const { config, controllers, sessions } = services;
  const { origin, host, cookie } = request.headers;
  if (!isOwnOrigin(origin, { portal: config.origin, host }))
    throw new AppError('FORBIDDEN', `Terminals open from the portal only, which is ${config.origin}.`);
  const url = new URL(request.url ?? '/', config.origin);
  const id = PATH.exec(url.pathname)?.[1];
  if (id === undefined) throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  const session = await sessions.find(cookie);
  if (session === undefined) throw signInFirst();
  if (!protocolsOf(request).includes('tty'))
    throw new AppError('BAD_REQUEST', 'A terminal speaks the subprotocol "tty".');
  const name = url.searchParams.get('session') ?? '';
  if (!SESSION_ID.test(name))
    throw new AppError('BAD_REQUEST', 'A terminal session is called by 1 to 64 letters, digits, _ and -.');
  return {
    key: session.key,
    target: {
      controllerUrl: controllers.url,
      key: projectKeyOf(decoded(id), session.user.namespace),
      session: name,
      token: await controllers.tokenFor(session.user),
      requestId: requestIdFrom(undefined),
    },
  };
}

/** What is no text stays as it is, and is then no project's name. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

const protocolsOf = (request: IncomingMessage): readonly string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());

function serve(browser: WebSocket, { connection, upstream }: Ends): void {
  const end = (): void => {
    closeWith(browser, terminalCloseCodes.notAllowed, 'Your session has ended.');
  };
  connection.signal.addEventListener('abort', end);
  join(browser, upstream, connection.done);
  // It may have ended while the controller was asked.
  if (connection.signal.aborted) end();
}

function refuse({ log }: Services, socket: Duplex, error: unknown): void {
  const known = asAppError(error);
  const problem = known.toProblem();
  if (problem.status >= 500)
    log.warn({ err: known.cause ?? known, code: known.code }, 'a terminal cannot be opened');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
