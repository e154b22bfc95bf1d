import { and, eq, gt, lt, sql } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';
import { z } from 'zod';
import type { Database } from '../database/database.js';
import { tokenCodes as table } from '../database/schema.js';
import { expiresInDays, insertToken, tokenName, type CreatedAccessTokenDto } from './access-tokens.js';
import { hashSecret, randomSecret } from './random.js';

const LIFETIME_MS = 10 * 60 * 1000;
/** Of one person, that were not used and are not over. */
const OPEN_MAX = 20;

export const createTokenCodeInput = z.strictObject({ expiresInDays });

export const redeemTokenCodeInput = z.strictObject({
  code: z.string('The code is needed.').max(200, 'This is no code.'),
  /** What the token is called in the list: the machine it is on. */
  name: tokenName,
});

export interface TokenCodeDto {
  readonly code: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/**
 * Codes that become a personal access token once, within ten minutes. A command that is copied into a shell stays in its
 * history: it has a code in it, which is worth nothing then, and the token itself is never shown.
 */
export class TokenCodes {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `expiresInDays`: of the token. Throws RATE_LIMITED where a person has too many that nobody used. */
  async create(userId: string, input: z.output<typeof createTokenCodeInput>): Promise<TokenCodeDto> {
    const code = randomSecret();
    const expiresAt = new Date(Date.now() + LIFETIME_MS);
    await this.#database.use(async (db) => {
      const open = await db.$count(table, and(eq(table.userId, userId), gt(table.expiresAt, sql`now()`)));
      if (open >= OPEN_MAX)
        throw new AppError(
          'RATE_LIMITED',
          `You have made ${OPEN_MAX} codes that were not used yet. Use one of them, or wait ten minutes: a code is good for no longer.`,
        );
      await db
        .insert(table)
        .values({ hash: hashSecret(code), userId, expiresInDays: input.expiresInDays ?? null, expiresAt });
    });
    return { code, expiresAt: expiresAt.toISOString() };
  }

  /** Throws UNAUTHENTICATED for a code that never was, was used or is over, and VALIDATION_FAILED, which leaves it. */
  async redeem({
    code,
    name,
  }: z.output<typeof redeemTokenCodeInput>): Promise<CreatedAccessTokenDto & { readonly userId: string }> {
    return this.#database.use((db) =>
      db.transaction(async (tx) => {
        const stands = and(eq(table.hash, hashSecret(code)), gt(table.expiresAt, sql`now()`));
        // Whoever comes second waits for this row, and finds it gone.
        const [found] = await tx.delete(table).where(stands).returning();
        if (found === undefined)
          throw new AppError(
            'UNAUTHENTICATED',
            'This code was used already or is older than ten minutes. Make a new one in the portal.',
          );
        const { userId, expiresInDays: days } = found;
        const input = { name, ...(days === null ? {} : { expiresInDays: days }) };
        return { ...(await insertToken(tx, userId, input)), userId };
      }),
    );
  }

  async removeOld(): Promise<void> {
    await this.#database.use((db) => db.delete(table).where(lt(table.expiresAt, new Date())));
  }
}
