import type { WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';
import { SESSION_ID } from '../contract/terminal.js';
import type { ProjectKey } from '../model/intent.js';
import { bridgeTerminal, MAX_MESSAGE_BYTES } from '../sandbox/terminal.js';
import { guestSeat, ownSeat, type Seat } from '../sandbox/terminal-seats.js';
import { TerminalSizes } from '../sandbox/terminal-sizes.js';
import { isAllowed } from './auth.js';
import type { ApiDeps } from './deps.js';
import {
  personAt,
  PING_INTERVAL_MS,
  requireProject,
  type UpgradeRequest,
  type Upgrades,
} from './upgrades.js';

const PATH = /^\/v1\/tenants\/([a-z0-9-]+)\/projects\/([a-z0-9-]+)\/terminal$/;

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

/** Terminals, of one's own and shared ones. */
export function terminalUpgrades(deps: ApiDeps): Upgrades {
  const sizes = new TerminalSizes();
  return {
    protocol: 'tty',
    maxPayload: MAX_MESSAGE_BYTES,
    isAt: (pathname) => pathname === SHARED || PATH.test(pathname),
    open: async (upgrade) => {
      const opening = await openingOf(deps, upgrade, sizes);
      const { requestId } = upgrade;
      return {
        serve: (client) => void serve(deps, client, { ...opening, requestId }),
        abandon: () => undefined,
      };
    },
  };
}

async function openingOf(deps: ApiDeps, upgrade: UpgradeRequest, sizes: TerminalSizes): Promise<Opening> {
  const isShared = upgrade.url.pathname === SHARED;
  const opening = isShared ? await guestOf(deps, upgrade, sizes) : await personOf(deps, upgrade, sizes);
  if (!SESSION_ID.test(opening.session))
    throw new AppError('BAD_REQUEST', 'A terminal session is called by 1 to 64 letters, digits, _ and -.');
  return opening;
}

async function personOf(deps: ApiDeps, upgrade: UpgradeRequest, sizes: TerminalSizes): Promise<Opening> {
  const { subject, key } = await personAt(deps, PATH, upgrade);
  const session = upgrade.url.searchParams.get('session') ?? '';
  return { subject, key, session, seat: ownSeat(terminalOf(key, session), sizes) };
}

/** Nothing of the address counts: which terminal it is, and what may be done there, is in what the portal signed. */
async function guestOf(deps: ApiDeps, { request }: UpgradeRequest, sizes: TerminalSizes): Promise<Opening> {
  const claims = await deps.tokens.guest(request.headers.authorization);
  const { sub, name: guest, share, access, namespace, project, session } = claims;
  const subject = { sub, operator: false };
  const key = { namespace, name: project };
  requireProject(deps, subject, key);
  return {
    subject,
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
