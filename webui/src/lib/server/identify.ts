import type { RequestEvent } from '@sveltejs/kit';
import { findByToken, type Found } from './bearer.js';
import { services } from './services.js';

/** Finds out who asks, and writes it into `event.locals`. Throws UNAUTHENTICATED for a token that is not valid. */
export async function identify(event: RequestEvent, isApi: boolean): Promise<void> {
  const authorization = isApi ? event.request.headers.get('authorization') : null;
  // A token that is shown decides: a cookie beside it does not count.
  const found =
    authorization === null ? await bySession(event) : await findByToken(services(), authorization);
  if (found === undefined) return;
  event.locals.user = found.user;
  event.locals.credential = found.credential;
  event.locals.controller = services().controllers.clientFor(found.user, event.locals.requestId);
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
