import { randomUUID } from 'node:crypto';
import {
  TOKEN_LIFETIME_SECONDS,
  type SharedTerminalClaims,
  type TokenClaims,
} from '@fullstackagent/controller/contract';
import { SignJWT } from 'jose';

/** What the portal says of a guest; the rest is the token's own. */
export type GuestClaims = Omit<SharedTerminalClaims, 'iss' | 'aud' | 'jti'>;

export type ActingPerson = Pick<TokenClaims, 'sub' | 'name' | 'operator' | 'repository'>;

/** Who asks when it is the portal itself: a member of nothing. */
export const thePortal: ActingPerson = { sub: 'portalitself', name: 'portal', operator: false };

/** Who has the deploy token: an applier, which reads the repository and is a member of nothing. */
export const theDeployToken: ActingPerson = {
  sub: 'deploytoken',
  name: 'deploy token',
  operator: false,
  repository: 'read',
};

/**
 * The short-lived token that names the acting person to the controller. Made anew for every request, 0.1 ms: it is taken
 * once.
 */
export function signToken(person: ActingPerson, key: Uint8Array): Promise<string> {
  const { name, operator, repository } = person;
  const claims = { name, operator, ...(repository === undefined ? {} : { repository }) };
  return signed(claims, { audience: 'controller', subject: person.sub, key });
}

/** Lets a guest into the terminal that `sub` shared, and into nothing else. */
export function signGuestToken({ sub, ...claims }: GuestClaims, key: Uint8Array): Promise<string> {
  return signed(claims, { audience: 'shared-terminal', subject: sub, key });
}

function signed(
  claims: Readonly<Record<string, unknown>>,
  { audience, subject, key }: { audience: string; subject: string; key: Uint8Array },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('portal')
    .setAudience(audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(key);
}
