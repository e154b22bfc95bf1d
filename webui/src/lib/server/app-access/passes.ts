import { createHmac } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

/** Says that somebody may see one app, while their session at the portal lasts. */
export interface AppPass {
  /** Of the app: a pass opens nothing else. */
  readonly origin: string;
  readonly user: string;
  readonly username: string;
  /** Names the session it came from. */
  readonly session: string;
}

/**
 * A `ticket` travels in an address once, from the portal to the app's host; a `pass` stays in a cookie of that host.
 * The app itself sees both: they are worth nothing anywhere else.
 */
export type PassKind = 'ticket' | 'pass';

const LIFETIME: Readonly<Record<PassKind, string>> = { ticket: '60s', pass: '12h' };
export const PASS_SECONDS = 12 * 60 * 60;

const claims = z.object({ sub: z.string(), name: z.string(), origin: z.string(), session: z.string() });

export class AppPasses {
  readonly #key: Uint8Array;

  /** `secret`: of the installation. What is signed here is of no use where the secret itself signs. */
  constructor(secret: Uint8Array) {
    this.#key = createHmac('sha256', secret).update('app-access').digest();
  }

  sign(kind: PassKind, { origin, user, username, session }: AppPass): Promise<string> {
    return new SignJWT({ name: username, origin, session })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('portal')
      .setAudience(`app-${kind}`)
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime(LIFETIME[kind])
      .sign(this.#key);
  }

  /** Undefined for what is none, is over, or is the other kind. */
  async read(kind: PassKind, text: string): Promise<AppPass | undefined> {
    try {
      const { payload } = await jwtVerify(text, this.#key, {
        algorithms: ['HS256'],
        issuer: 'portal',
        audience: `app-${kind}`,
        requiredClaims: ['exp', 'sub'],
      });
      const { sub, name, origin, session } = claims.parse(payload);
      return { user: sub, username: name, origin, session };
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined;
      throw error;
    }
  }
}
