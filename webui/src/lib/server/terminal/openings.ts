import type { IncomingMessage } from 'node:http';
import { AppError, SESSION_ID } from '@fullstackagent/controller/contract';
import { projectKeyOf } from '../project-key.js';
import { requestIdFrom } from '../request-id.js';
import { isOwnOrigin } from '../same-origin.js';
import type { Services } from '../services.js';
import { decoded, type Opening } from '../sockets/opening.js';
import type { Credential } from '../users.js';
import { shareTokenIn } from './share-cookie.js';

const OWN = /^\/api\/projects\/([^/]+)\/terminal$/;
const SHARED = /^\/api\/shares\/([a-z0-9]{24})\/terminal$/;

/** undefined: the address is another's. Throws NOT_FOUND, UNAUTHENTICATED, FORBIDDEN, BAD_REQUEST. */
export async function terminalOpening(
  services: Services,
  request: IncomingMessage,
  url: URL,
): Promise<Opening | undefined> {
  const share = SHARED.exec(url.pathname)?.[1];
  const project = OWN.exec(url.pathname)?.[1];
  if (share === undefined && project === undefined) return undefined;
  requireOwnOrigin(services, request);
  if (share !== undefined) return sharedTerminal(services, request, share);
  return ownTerminal(services, request, {
    project: project ?? '',
    session: url.searchParams.get('session') ?? '',
  });
}

/** A browser adds the cookie by itself, whichever page asked for it. */
function requireOwnOrigin({ config }: Services, { headers }: IncomingMessage): void {
  if (isOwnOrigin(headers.origin, { portal: config.origin, host: headers.host })) return;
  throw new AppError('FORBIDDEN', `Terminals open from the portal only, which is ${config.origin}.`);
}

async function ownTerminal(
  { controllers, sessions }: Services,
  request: IncomingMessage,
  asked: { readonly project: string; readonly session: string },
): Promise<Opening> {
  const found = await sessions.find(request.headers.cookie);
  if (found === undefined) throw new AppError('UNAUTHENTICATED', 'Sign in first.');
  if (!SESSION_ID.test(asked.session))
    throw new AppError('BAD_REQUEST', 'A terminal session is called by 1 to 64 letters, digits, _ and -.');
  const { namespace, name } = projectKeyOf(decoded(asked.project), found.user.namespace);
  const path = `/v1/tenants/${encodeURIComponent(namespace)}/projects/${encodeURIComponent(name)}/terminal`;
  return {
    protocol: 'tty',
    credentials: [{ kind: 'session', key: found.key }],
    target: {
      controllerUrl: controllers.url,
      path: `${path}?session=${encodeURIComponent(asked.session)}`,
      token: await controllers.tokenFor(found.user),
      requestId: requestIdFrom(undefined),
    },
    endedWords: 'Your session has ended.',
    arrived: () => () => undefined,
  };
}

/** In the name of who shared it: what they may no longer do ends for their guests too. */
async function sharedTerminal(services: Services, request: IncomingMessage, id: string): Promise<Opening> {
  const { controllers, shares } = services;
  const { cookie } = request.headers;
  const { share, guest } = await shares.byToken(id, shareTokenIn(cookie));
  const { access, namespace, project, session } = share;
  return {
    protocol: 'tty',
    credentials: [
      { kind: 'share', key: id },
      { kind: 'guest', key: guest.id },
      ...(await ownSession(services, { cookie, of: guest.userId })),
    ],
    target: {
      controllerUrl: controllers.url,
      path: '/v1/shared-terminal',
      token: await controllers.guestToken({
        sub: share.userId,
        name: guest.name,
        share: id,
        access,
        namespace,
        project,
        session,
      }),
      requestId: requestIdFrom(undefined),
    },
    endedWords: 'This terminal is no longer shared with you.',
    arrived: () => shares.guests.arrived(guest.id),
  };
}

/** Who joined with an account stays only as long as they are signed in with it. */
async function ownSession(
  { sessions }: Services,
  { cookie, of }: { readonly cookie: string | undefined; readonly of: string | null },
): Promise<readonly Credential[]> {
  if (of === null) return [];
  const found = await sessions.find(cookie);
  if (found?.user.id !== of)
    throw new AppError('UNAUTHENTICATED', 'Sign in as who you were when you joined.');
  return [{ kind: 'session', key: found.key }];
}
