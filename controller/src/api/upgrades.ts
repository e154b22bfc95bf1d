import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';
import type { TokenClaims } from '../contract/token.js';
import type { ProjectKey } from '../model/intent.js';
import { authorise } from './auth.js';
import type { ApiDeps } from './deps.js';
import { classify } from './problems.js';
import { requestIdFrom } from './request.js';

export const PING_INTERVAL_MS = 20_000;

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly requestId: string;
}

/** A connection that is allowed: exactly one of the two is called. */
export interface Opened {
  readonly serve: (client: WebSocket) => void;
  /** The client left while it was being opened. */
  readonly abandon: () => void;
}

/** One kind of WebSocket. */
export interface Upgrades {
  readonly protocol: string;
  readonly maxPayload: number;
  readonly isAt: (pathname: string) => boolean;
  /** Throws what the client is refused with. */
  readonly open: (upgrade: UpgradeRequest) => Promise<Opened>;
}

interface Served {
  readonly kind: Upgrades;
  readonly sockets: WebSocketServer;
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** WebSocket upgrades, each refused before the upgrade with a problem document. Answers what ends all that are open. */
export function serveUpgrades(server: Server, kinds: readonly Upgrades[]): () => void {
  const served = kinds.map((kind) => ({ kind, sockets: socketsOf(kind) }));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    accept(served, { request, socket, head }).catch((error: unknown) => {
      refuse(socket, classify(error));
    });
  });
  return () => {
    for (const { sockets } of served) {
      for (const client of sockets.clients) client.close(1001, 'The platform is restarting.');
      sockets.close();
    }
  };
}

const socketsOf = ({ protocol, maxPayload }: Upgrades): WebSocketServer =>
  new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });

async function accept(served: readonly Served[], { request, socket, head }: Arrival): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://controller');
  const found = served.find(({ kind }) => kind.isAt(url.pathname));
  if (found === undefined) throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  const requestId = requestIdFrom(request.headers['x-request-id']);
  const opened = await found.kind.open({ request, url, requestId });
  if (socket.destroyed) {
    opened.abandon();
    return;
  }
  // Where the handshake fails after all, nobody else ends what was opened.
  socket.once('close', opened.abandon);
  found.sockets.handleUpgrade(request, socket, head, (client) => {
    socket.off('close', opened.abandon);
    opened.serve(client);
  });
}

/** Who may change the project at a path of two parts, namespace and name. Throws UNAUTHENTICATED, FORBIDDEN, NOT_FOUND. */
export async function personAt(
  deps: ApiDeps,
  path: RegExp,
  { request, url }: UpgradeRequest,
): Promise<{ readonly subject: TokenClaims; readonly key: ProjectKey }> {
  const subject = await deps.tokens.person(request.headers.authorization);
  const [, namespace = '', name = ''] = path.exec(url.pathname) ?? [];
  const key = { namespace, name };
  requireProject(deps, subject, key);
  return { subject, key };
}

/** Throws FORBIDDEN, NOT_FOUND. */
export function requireProject(
  deps: ApiDeps,
  subject: Pick<TokenClaims, 'sub' | 'operator'>,
  key: ProjectKey,
): void {
  authorise(deps.intent, subject, { namespace: key.namespace, need: 'change' });
  if (deps.intent.project(key) === undefined) throw new AppError('NOT_FOUND', 'There is no such project.');
}

function refuse(socket: Duplex, error: AppError): void {
  const problem = error.toProblem();
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
