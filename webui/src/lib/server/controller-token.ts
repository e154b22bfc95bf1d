import { TOKEN_LIFETIME_SECONDS, type TokenClaims } from '@fullstackagent/controller/contract';
import { SignJWT } from 'jose';

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

/** The short-lived token that names the acting person to the controller. Made anew for every request: 0.1 ms. */
export function signToken(person: ActingPerson, key: Uint8Array): Promise<string> {
  const { name, operator, repository } = person;
  return new SignJWT({ name, operator, ...(repository === undefined ? {} : { repository }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('portal')
    .setAudience('controller')
    .setSubject(person.sub)
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_LIFETIME_SECONDS}s`)
    .sign(key);
}
