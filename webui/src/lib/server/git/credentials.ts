import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '@fullstackagent/controller/contract';
import type { Services } from '../services.js';
import type { Credential } from '../users.js';

/** Who a git client is. */
export interface GitCaller {
  /** Signed, for the controller. */
  readonly token: () => Promise<string>;
  /** What ends the exchange when it is taken back; the deploy token is a file and is not. */
  readonly credential: Credential | undefined;
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;
const BEARER = /^Bearer +(\S+)$/i;

/**
 * A personal access token, or the deploy token, as git sends it: the password of HTTP Basic, whatever the user's name
 * is, or a Bearer token. Throws UNAUTHENTICATED.
 */
export async function findGitCaller(
  { config, tokens, controllers }: Services,
  authorization: string | undefined,
): Promise<GitCaller> {
  const secret = secretIn(authorization ?? '');
  if (secret === undefined) throw unauthenticated('Give an access token of the portal as the password.');
  if (isDeployToken(config.readTokenHash, secret))
    return { token: () => controllers.readerToken(), credential: undefined };
  const found = await tokens.find(secret);
  if (found === undefined)
    throw unauthenticated('This access token is not valid: it was deleted, has expired, or is mistyped.');
  return {
    token: () => controllers.tokenFor(found.user),
    credential: { kind: 'token', key: found.key },
  };
}

function secretIn(authorization: string): string | undefined {
  const bearer = BEARER.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const encoded = BASIC.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 || colon === pair.length - 1 ? undefined : pair.slice(colon + 1);
}

function isDeployToken(hash: Uint8Array | undefined, secret: string): boolean {
  return hash !== undefined && timingSafeEqual(createHash('sha256').update(secret).digest(), hash);
}

const unauthenticated = (message: string): AppError => new AppError('UNAUTHENTICATED', message);
