import { TOKEN_LIFETIME_SECONDS, type TokenClaims } from '@fullstackagent/controller/contract';
import { SignJWT } from 'jose';

export type ActingPerson = Pick<TokenClaims, 'sub' | 'name' | 'operator'>;

/** Who asks when it is the portal itself: a member of nothing. */
export const thePortal: ActingPerson = { sub: 'portalitself', name: 'portal', operator: false };

/** The short-lived token that names the acting person to the controller. Made anew for every request: 0.1 ms. */
export function signToken(person: ActingPerson, key: Uint8Array): Promise<string> {
  return new SignJWT({ name: person.name, operator: person.operator })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('portal')
    .setAudience('controller')
    .setSubject(person.sub)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(key);
}
