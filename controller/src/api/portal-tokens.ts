import { errors as jose, jwtVerify } from 'jose';
import type { z } from 'zod';
import { AppError } from '../contract/errors.js';
import {
  sharedTerminalClaims,
  TOKEN_LIFETIME_SECONDS,
  tokenClaims,
  type SharedTerminalClaims,
  type TokenClaims,
} from '../contract/token.js';
import { UsedIds } from './used-ids.js';

/** Two clocks, portal and controller, may differ by this. */
const CLOCK_TOLERANCE_SECONDS = 5;
/**
 * From the first moment at which a token may be taken, by a clock that is behind, to the last. That is counted by a clock
 * that nobody sets, while a token's times are judged by the machine's: where that is set back by more than
 * this, a token that was used and forgotten is young again, and could be used once more until its minute is over.
 */
const GOOD_FOR_MS = (TOKEN_LIFETIME_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * 1000;
/** 2800 requests a second, which is more than one process answers; 33 MB, measured with both generations full. */
const MOST_IN_A_WINDOW = 200_000;

interface Expected<T extends z.ZodType> {
  readonly audience: string;
  readonly claims: T;
}

/**
 * Reads what the portal signed. A token is good for one request, whatever it asks for: a call, a terminal, a file, an SSH
 * connection, each of the requests of a git client. Who tries again signs again, which the portal does for every request;
 * a resumed upload is a request of its own. What one request opened lasts beyond its token, until the person's rights end.
 * Used tokens are remembered by this process: one that was used right before a restart could be used once more after it,
 * until its minute is over.
 */
export class PortalTokens {
  readonly #used: UsedIds;

  constructor(
    private readonly key: Uint8Array,
    elapsed: () => number = () => performance.now(),
  ) {
    this.#used = new UsedIds({ windowMs: GOOD_FOR_MS, most: MOST_IN_A_WINDOW, elapsed });
  }

  /**
   * The person a request acts for. Throws UNAUTHENTICATED for anything but a valid, young and unused token of the portal,
   * and NOT_READY where more were used in a minute than can be remembered.
   */
  person(authorization: string | undefined): Promise<TokenClaims> {
    return this.#taken(authorization, { audience: 'controller', claims: tokenClaims });
  }

  /** The guest of a shared terminal. Throws as {@link person}. */
  guest(authorization: string | undefined): Promise<SharedTerminalClaims> {
    return this.#taken(authorization, { audience: 'shared-terminal', claims: sharedTerminalClaims });
  }

  async #taken<T extends z.ZodType<{ jti: string }>>(
    authorization: string | undefined,
    expected: Expected<T>,
  ): Promise<z.output<T>> {
    const claims = await verified(authorization, this.key, expected);
    const taken = this.#used.take(claims.jti);
    if (taken === 'again') throw new AppError('UNAUTHENTICATED', 'The session token was used before.');
    if (taken === 'full')
      throw new AppError('NOT_READY', 'The platform is asked too much right now. Try again in a minute.');
    return claims;
  }
}

async function verified<T extends z.ZodType>(
  authorization: string | undefined,
  key: Uint8Array,
  { audience, claims }: Expected<T>,
): Promise<z.output<T>> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new AppError('UNAUTHENTICATED', 'Sign in first.');
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      issuer: 'portal',
      audience,
      maxTokenAge: TOKEN_LIFETIME_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'iat', 'sub', 'jti'],
    });
    return claims.parse(payload);
  } catch (error) {
    const expired = error instanceof jose.JWTExpired;
    throw new AppError(
      'UNAUTHENTICATED',
      expired ? 'The session token has expired.' : 'The session token is not valid.',
      { cause: error },
    );
  }
}
