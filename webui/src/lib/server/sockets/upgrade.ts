import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, SSH_PROTOCOL, terminalCloseCodes } from '@fullstackagent/controller/contract';
import { WebSocketServer, type WebSocket } from 'ws';
import { asAppError } from '../problems.js';
import type { LiveConnection } from '../live-connections.js';
import type { Services } from '../services.js';
import { sshOpening } from '../ssh/opening.js';
import { terminalOpening } from '../terminal/openings.js';
import type { Credential } from '../users.js';
import { dial, MAX_MESSAGE_BYTES } from './dial.js';
import { closeWith, join } from './join.js';
import type { Opening } from './opening.js';

interface Bound {
  readonly most: number;
  readonly words: string;
}

/** Each costs a connection to the sandbox, and SSH a server in it. A session is a person's own. */
const BOUNDS: Partial<Record<Credential['kind'], Bound>> = {
  // Of one visit to a shared terminal: tabs of a browser.
  guest: { most: 8, words: 'This terminal is open too often in this browser. Close some of them.' },
  token: { most: 100, words: 'This access token has too many open connections. Close some of them.' },
};

/** Both are open: the credential's and the controller's end of a connection to be. */
interface Ends {
  readonly connection: LiveConnection;
  readonly upstream: WebSocket;
  readonly opening: Opening;
}

export interface Sockets {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** Of a browser's terminal, and of an SSH client. */
const PROTOCOLS = ['tty', SSH_PROTOCOL];

/**
 * WebSocket upgrades: terminals and SSH connections, and nothing else. The controller is asked first, so that what it
 * refuses is refused here in the same words and with the same status, before the upgrade.
 */
export function serveSockets(services: Services): Sockets {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // That it is the one of the address was made sure of when it was opened.
    handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  });
  const accept = (arrival: Arrival, ends: Ends): void => {
    const { request, socket, head } = arrival;
    // Where the handshake fails after all, nobody else ends the controller's end.
    const abandon = (): void => {
      ends.upstream.terminate();
      ends.connection.done();
    };
    socket.once('close', abandon);
    server.handleUpgrade(request, socket, head, (client) => {
      socket.off('close', abandon);
      serve(client, ends);
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
      for (const client of server.clients) closeWith(client, 1001, 'The platform is restarting.');
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
  const opening = await openingOf(services, arrival.request);
  const connection = await openAll(services, opening.credentials);
  try {
    const offered = protocolsOf(arrival.request).filter((protocol) => PROTOCOLS.includes(protocol));
    if (offered.length !== 1 || offered[0] !== opening.protocol)
      throw new AppError('BAD_REQUEST', `What is here speaks the subprotocol "${opening.protocol}".`);
    const upstream = await dial(opening.target, opening.protocol);
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

/** Throws NOT_FOUND, UNAUTHENTICATED, FORBIDDEN, BAD_REQUEST. */
async function openingOf(services: Services, request: IncomingMessage): Promise<Opening> {
  const url = new URL(request.url ?? '/', services.config.origin);
  const opening =
    (await sshOpening(services, request, url)) ?? (await terminalOpening(services, request, url));
  if (opening === undefined) throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  return opening;
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
      const bound = BOUNDS[kind];
      if (bound !== undefined && live.countOf(key) > bound.most)
        throw new AppError('RATE_LIMITED', bound.words);
    }
  } catch (error) {
    done();
    throw error;
  }
  return { signal: AbortSignal.any(opened.map(({ signal }) => signal)), done };
}

const protocolsOf = (request: IncomingMessage): readonly string[] =>
  (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());

function serve(client: WebSocket, { connection, upstream, opening }: Ends): void {
  const end = (): void => {
    closeWith(client, terminalCloseCodes.notAllowed, opening.endedWords);
  };
  const leave = opening.arrived();
  connection.signal.addEventListener('abort', end);
  join(client, upstream, () => {
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
    log.warn({ err: known.cause ?? known, code: known.code }, 'a connection to a sandbox cannot be opened');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
