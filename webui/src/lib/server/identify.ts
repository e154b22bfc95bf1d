import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { services } from './services.js';
import type { Credential, SessionUser } from './users.js';

/** Finds out who asks, and writes it into `event.locals`. Throws UNAUTHENTICATED for a token that is not valid. */
export async function identify(event: RequestEvent, isApi: boolean): Promise<void> {
  const authorization = isApi ? event.request.headers.get('authorization') : null;
  const found = authorization === null ? await bySession(event) : await byToken(authorization);
  if (found === undefined) return;
  event.locals.user = found.user;
  event.locals.credential = found.credential;
  event.locals.controller = services().controllers.clientFor(found.user, event.locals.requestId);
}

interface Found {
  readonly user: SessionUser;
  readonly credential: Credential;
}

/** A token that is shown decides: a cookie beside it does not count. */
async function byToken(authorization: string): Promise<Found> {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const found = token === undefined ? undefined : await services().tokens.find(token);
  if (found === undefined)
    throw new AppError(
      'UNAUTHENTICATED',
      'This access token is not valid: it was deleted, has expired, or is mistyped.',
    );
  return { user: found.user, credential: { kind: 'token', key: found.key } };
}

async function bySession(event: RequestEvent): Promise<Found | undefined> {
  const found = await services().sessions.find(event.request.headers.get('cookie'));
  if (found === undefined) return undefined;
  if (found.renewed !== undefined) {
    const { name, value, attributes } = found.renewed;
    event.cookies.set(name, value, { ...attributes, path: '/' });
  }
  return { user: found.user, credential: { kind: 'session', key: found.key } };
}
