import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { WebSocketServer, type WebSocket } from 'ws';
import { asAppError } from '../problems.js';
import type { LiveConnection } from '../live-connections.js';
import { isOwnOrigin } from '../same-origin.js';
import type { Services } from '../services.js';
import type { Credential } from '../users.js';
import { dial, MAX_MESSAGE_BYTES } from './dial.js';
import { closeWith, join } from './join.js';
import { readOpening, type Opening } from './openings.js';

/** Of one visit to a shared terminal: tabs of a browser. Each costs a connection to the sandbox. */
const GUEST_CONNECTIONS_MAX = 8;

/** Both are open: the session's and the controller's end of a terminal to be. */
interface Ends {
  readonly connection: LiveConnection;
  readonly upstream: WebSocket;
  readonly opening: Opening;
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
  const { origin, host } = arrival.request.headers;
  if (!isOwnOrigin(origin, { portal: services.config.origin, host }))
    throw new AppError(
      'FORBIDDEN',
      `Terminals open from the portal only, which is ${services.config.origin}.`,
    );
  const opening = await readOpening(services, arrival.request);
  const connection = await openAll(services, opening.credentials);
  try {
    if (!protocolsOf(arrival.request).includes('tty'))
      throw new AppError('BAD_REQUEST', 'A terminal speaks the subprotocol "tty".');
    const upstream = await dial(opening.target);
    if (!arrival.socket.destroyed) {
      accept(arrival, { connection, upstream, opening });
      return;
    }
    upstream.terminate();
    connection.done();
  } catch (error) {
    connection.done();
    throw error;
  }
}

/** One connection that ends when the first of the credentials does. Throws UNAUTHENTICATED, RATE_LIMITED. */
async function openAll({ live }: Services, credentials: readonly Credential[]): Promise<LiveConnection> {
  const opened: LiveConnection[] = [];
  const done = (): void => {
    for (const connection of opened) connection.done();
  };
  try {
    for (const credential of credentials) {
      const { kind, key } = credential;
      const connection = await live.open(credential);
      if (connection === undefined) throw new AppError('UNAUTHENTICATED', 'Sign in first.');
      opened.push(connection);
      if (kind === 'guest' && live.countOf(key) > GUEST_CONNECTIONS_MAX)
        throw new AppError(
          'RATE_LIMITED',
          'This terminal is open too often in this browser. Close some of them.',
        );
    }
  } catch (error) {
    done();
    throw error;
  }
  return { signal: AbortSignal.any(opened.map(({ signal }) => signal)), done };
}

const protocolsOf = (request: IncomingMessage): readonly string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());

function serve(browser: WebSocket, { connection, upstream, opening }: Ends): void {
  const end = (): void => {
    closeWith(browser, terminalCloseCodes.notAllowed, opening.endedWords);
  };
  const leave = opening.arrived();
  connection.signal.addEventListener('abort', end);
  join(browser, upstream, () => {
    leave();
    connection.done();
  });
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
