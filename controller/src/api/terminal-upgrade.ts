import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';
import { SESSION_ID } from '../contract/terminal.js';
import type { TokenClaims } from '../contract/token.js';
import type { ProjectKey } from '../model/intent.js';
import { bridgeTerminal, MAX_MESSAGE_BYTES } from '../sandbox/terminal.js';
import { authenticate, authorise, isAllowed } from './auth.js';
import type { ApiDeps } from './deps.js';
import { classify } from './problems.js';
import { requestIdFrom } from './request.js';

const PATH = /^\/v1\/tenants\/([a-z0-9-]+)\/projects\/([a-z0-9-]+)\/terminal$/;
const PING_INTERVAL_MS = 20_000;

interface Opening {
  readonly claims: TokenClaims;
  readonly key: ProjectKey;
  readonly session: string;
  readonly requestId: string;
}

/** WebSocket upgrades: terminals, and nothing else. Refused before the upgrade with a problem document. */
export function serveTerminals(server: Server, deps: ApiDeps): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('tty') ? 'tty' : false),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    openingOf(deps, request).then(
      (opening) => {
        sockets.handleUpgrade(request, socket, head, (client) => {
          void serve(deps, client, opening);
        });
      },
      (error: unknown) => {
        refuse(socket, classify(error));
      },
    );
  });
  return () => {
    for (const client of sockets.clients) client.close(1001, 'The platform is restarting.');
    sockets.close();
  };
}

async function openingOf(deps: ApiDeps, request: IncomingMessage): Promise<Opening> {
  const claims = await authenticate(request.headers.authorization, deps.tokenKey);
  const url = new URL(request.url ?? '/', 'http://controller');
  const [, namespace, name] = PATH.exec(url.pathname) ?? [];
  if (namespace === undefined || name === undefined)
    throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  authorise(deps.intent, claims, { namespace, need: 'change' });
  const key = { namespace, name };
  if (deps.intent.project(key) === undefined) throw new AppError('NOT_FOUND', 'There is no such project.');
  const session = url.searchParams.get('session') ?? '';
  if (!SESSION_ID.test(session))
    throw new AppError('BAD_REQUEST', 'A terminal session is called by 1 to 64 letters, digits, _ and -.');
  return { claims, key, session, requestId: requestIdFrom(request.headers['x-request-id']) };
}

async function serve(deps: ApiDeps, client: WebSocket, opening: Opening): Promise<void> {
  const { claims, key, session, requestId } = opening;
  const who = { user: claims.sub, ...key, session, requestId };
  deps.log.info({ audit: 'terminal-opened', ...who }, 'audit');
  deps.metrics.terminals.inc();
  const { code } = await bridgeTerminal(client, {
    target: () => deps.terminal(key, session),
    stillAllowed: () => isAllowed(deps.intent, claims, { namespace: key.namespace, need: 'change' }),
    pingIntervalMs: PING_INTERVAL_MS,
    onUnexpected: (error) => {
      deps.log.error({ err: error, requestId }, 'terminal');
    },
  });
  deps.metrics.terminals.dec();
  deps.log.info({ audit: 'terminal-closed', ...who, code }, 'audit');
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
