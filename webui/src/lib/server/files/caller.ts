import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '@fullstackagent/controller/contract';
import { findByToken } from '../bearer.js';
import { isCrossSite } from '../same-origin.js';
import type { Services } from '../services.js';
import type { SessionCookie } from '../sessions.js';
import type { Credential, SessionUser } from '../users.js';

/** Who a request past SvelteKit comes from. */
export interface Caller {
  readonly user: SessionUser;
  readonly credential: Credential;
  /** To be sent back where the session's end moved. */
  readonly renewed?: SessionCookie;
}

/** As the hooks do it for the rest of the API. Throws FORBIDDEN for another site's request, and UNAUTHENTICATED. */
export async function findCaller(services: Services, request: IncomingMessage): Promise<Caller> {
  refuseCrossSite(services, request);
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) return findByToken(services, authorization);
  const found = await services.sessions.find(cookie);
  if (found === undefined)
    throw new AppError('UNAUTHENTICATED', 'Sign in first, or send a personal access token.');
  const { user, key, renewed } = found;
  return { user, credential: { kind: 'session', key }, ...(renewed === undefined ? {} : { renewed }) };
}

function refuseCrossSite({ config, sessions }: Services, { method = '', headers }: IncomingMessage): void {
  const crossSite = isCrossSite({
    method,
    isApi: true,
    portal: config.origin,
    origin: headers.origin ?? null,
    fetchSite: fetchSite(headers),
    carriesCookie: sessions.hasCookie(headers.cookie) && headers.authorization === undefined,
  });
  if (crossSite)
    throw new AppError(
      'FORBIDDEN',
      `This request came from another address than the portal's, which is ${config.origin}. Open the portal there, or start it with ORIGIN set to the address you use.`,
    );
}

function fetchSite(headers: IncomingHttpHeaders): string | null {
  const value = headers['sec-fetch-site'];
  return typeof value === 'string' ? value : null;
}
