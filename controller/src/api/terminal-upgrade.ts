import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';
import { SESSION_ID } from '../contract/terminal.js';
import type { ProjectKey } from '../model/intent.js';
import { bridgeTerminal, MAX_MESSAGE_BYTES } from '../sandbox/terminal.js';
import { guestSeat, ownSeat, type Seat } from '../sandbox/terminal-seats.js';
import { TerminalSizes } from '../sandbox/terminal-sizes.js';
import { authenticate, authenticateGuest, authorise, isAllowed } from './auth.js';
import type { ApiDeps } from './deps.js';
import { classify } from './problems.js';
import { requestIdFrom } from './request.js';

const PATH = /^\/v1\/tenants\/([a-z0-9-]+)\/projects\/([a-z0-9-]+)\/terminal$/;
const PING_INTERVAL_MS = 20_000;

const SHARED = '/v1/shared-terminal';

interface Opening {
  /** Whose rights count: of a guest, those of the person who shared the terminal. */
  readonly subject: { readonly sub: string; readonly operator: boolean };
  readonly key: ProjectKey;
  readonly session: string;
  readonly seat: Seat;
  /** Beside that, for the log. */
  readonly guest?: { readonly guest: string; readonly share: string; readonly access: string };
}

/** WebSocket upgrades: terminals, and nothing else. Refused before the upgrade with a problem document. */
export function serveTerminals(server: Server, deps: ApiDeps): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('tty') ? 'tty' : false),
  });
  const sizes = new TerminalSizes();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    openingOf(deps, request, sizes).then(
      (opening) => {
        sockets.handleUpgrade(request, socket, head, (client) => {
          void serve(deps, client, { ...opening, requestId: requestIdFrom(request.headers['x-request-id']) });
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

async function openingOf(deps: ApiDeps, request: IncomingMessage, sizes: TerminalSizes): Promise<Opening> {
  const url = new URL(request.url ?? '/', 'http://controller');
  const opening =
    url.pathname === SHARED
      ? await guestOf(deps, request, sizes)
      : await personOf(deps, { request, url }, sizes);
  authorise(deps.intent, opening.subject, { namespace: opening.key.namespace, need: 'change' });
  if (deps.intent.project(opening.key) === undefined)
    throw new AppError('NOT_FOUND', 'There is no such project.');
  if (!SESSION_ID.test(opening.session))
    throw new AppError('BAD_REQUEST', 'A terminal session is called by 1 to 64 letters, digits, _ and -.');
  return opening;
}

async function personOf(
  deps: ApiDeps,
  { request, url }: { request: IncomingMessage; url: URL },
  sizes: TerminalSizes,
): Promise<Opening> {
  const subject = await authenticate(request.headers.authorization, deps.tokenKey);
  const [, namespace, name] = PATH.exec(url.pathname) ?? [];
  if (namespace === undefined || name === undefined)
    throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  const key = { namespace, name };
  const session = url.searchParams.get('session') ?? '';
  return { subject, key, session, seat: ownSeat(terminalOf(key, session), sizes) };
}

/** Nothing of the address counts: which terminal it is, and what may be done there, is in what the portal signed. */
async function guestOf(deps: ApiDeps, request: IncomingMessage, sizes: TerminalSizes): Promise<Opening> {
  const claims = await authenticateGuest(request.headers.authorization, deps.tokenKey);
  const { sub, name: guest, share, access, namespace, project, session } = claims;
  const key = { namespace, name: project };
  return {
    subject: { sub, operator: false },
    key,
    session,
    seat: guestSeat(terminalOf(key, session), { sizes, access }),
    guest: { guest, share, access },
  };
}

const terminalOf = ({ namespace, name }: ProjectKey, session: string): string =>
  `${namespace}/${name}/${session}`;

async function serve(
  deps: ApiDeps,
  client: WebSocket,
  opening: Opening & { readonly requestId: string },
): Promise<void> {
  const { subject, key, session, seat, guest, requestId } = opening;
  const who = { user: subject.sub, ...key, session, ...guest, requestId };
  deps.log.info({ audit: 'terminal-opened', ...who }, 'audit');
  deps.metrics.terminals.inc();
  const { code } = await bridgeTerminal(client, {
    target: () => deps.terminal(key, session),
    seat,
    stillAllowed: () => isAllowed(deps.intent, subject, { namespace: key.namespace, need: 'change' }),
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
