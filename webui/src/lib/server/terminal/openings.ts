import type { IncomingMessage } from 'node:http';
import { AppError, SESSION_ID } from '@fullstackagent/controller/contract';
import { projectKeyOf } from '../project-key.js';
import { requestIdFrom } from '../request-id.js';
import type { Services } from '../services.js';
import type { Credential } from '../users.js';
import type { Target } from './dial.js';
import { shareTokenIn } from './share-cookie.js';

const OWN = /^\/api\/projects\/([^/]+)\/terminal$/;
const SHARED = /^\/api\/shares\/([a-z0-9]{24})\/terminal$/;

/** A terminal that somebody may open, as far as the portal knows: the controller is asked next. */
export interface Opening {
  /** What it is opened with, and ends with. */
  readonly credentials: readonly Credential[];
  readonly target: Target;
  /** What the person reads when one of the credentials ends. */
  readonly endedWords: string;
  /** It is open now. Answers what has to be called when it is over. */
  readonly arrived: () => () => void;
}

/** Throws NOT_FOUND, UNAUTHENTICATED, BAD_REQUEST. */
export async function readOpening(services: Services, request: IncomingMessage): Promise<Opening> {
  const url = new URL(request.url ?? '/', services.config.origin);
  const share = SHARED.exec(url.pathname)?.[1];
  if (share !== undefined) return sharedTerminal(services, request, share);
  const project = OWN.exec(url.pathname)?.[1];
  if (project === undefined) throw new AppError('NOT_FOUND', 'There is nothing at this address.');
  return ownTerminal(services, request, { project, session: url.searchParams.get('session') ?? '' });
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

/** What is no text stays as it is, and is then no project's name. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
