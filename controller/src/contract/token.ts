import { z } from 'zod';
import { shareAccess } from './share.js';
import { SESSION_ID } from './terminal.js';

/**
 * The claims of the short-lived token (HS256 JWT, at most {@link TOKEN_LIFETIME_SECONDS}) with which the portal names
 * the acting person to the controller, for one request. The portal authenticates; the controller authorises, by the
 * Tenant document.
 */
export const tokenClaims = z.object({
  iss: z.literal('portal'),
  aud: z.literal('controller'),
  /** Drawn for this token: who brings the same one again is refused. */
  jti: z.string().regex(/^[\w-]{16,64}$/),
  /** The portal's stable user id: what Tenant documents name as a member, and the local part of the commit's author. */
  sub: z.string().regex(/^[a-z0-9]{10,40}$/),
  /** What the commit's author is called. */
  name: z.string().min(1).max(64),
  operator: z.boolean(),
  /** An applier with the deploy token, not a person: may read the repository, and nothing else. */
  repository: z.literal('read').optional(),
});
export type TokenClaims = z.infer<typeof tokenClaims>;

export const TOKEN_LIFETIME_SECONDS = 60;

/**
 * The claims of the token with which the portal lets a guest into the one terminal that `sub` shared. Its audience is its
 * own: nothing else takes it. What `sub` may no longer do, the guest may not either.
 */
export const sharedTerminalClaims = tokenClaims.pick({ iss: true, sub: true, jti: true }).extend({
  aud: z.literal('shared-terminal'),
  /** What the guest is called, for the log. */
  name: z.string().min(1).max(64),
  share: z.string().regex(/^[a-z0-9]{10,40}$/),
  access: shareAccess,
  namespace: z.string(),
  project: z.string(),
  session: z.string().regex(SESSION_ID),
});
export type SharedTerminalClaims = z.infer<typeof sharedTerminalClaims>;
