import { and, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';
import { z } from 'zod';
import type { Database, Db } from '../database/database.js';
import { personalAccessTokens as table, users } from '../database/schema.js';
import type { SessionUser } from '../users.js';
import { userColumns } from './account-store.js';
import { hashSecret, randomSecret, randomUserId } from './random.js';

/** What a token starts with, so that people and scanners of leaked secrets recognise it. */
export const TOKEN_PREFIX = 'fsa_';
const TOKENS_MAX = 50;
const DAY_MS = 24 * 60 * 60 * 1000;

export const tokenName = z
  .string('A name is needed.')
  .trim()
  .min(1, 'A name is needed.')
  .max(64, 'The name has at most 64 characters.')
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'The name is one line without control characters.');

/** Without it the token works until it is deleted. */
export const expiresInDays = z
  .int('A whole number of days is needed.')
  .min(1, 'At least one day is needed.')
  .max(366, 'A token lasts 366 days at most.')
  .optional();

export const createTokenInput = z.strictObject({ name: tokenName, expiresInDays });
export type CreateTokenInput = z.output<typeof createTokenInput>;

export interface AccessTokenDto {
  readonly id: string;
  readonly name: string;
  readonly lastFour: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly lastUsedAt?: string;
  readonly expiresAt?: string;
}

/** The only answer that holds the token itself. */
export interface CreatedAccessTokenDto extends AccessTokenDto {
  readonly token: string;
}

export interface FoundToken {
  readonly user: SessionUser;
  /** Names the token in memory and in the log. */
  readonly key: string;
}

const notExpired = or(isNull(table.expiresAt), gt(table.expiresAt, sql`now()`));

/** Personal access tokens: long random strings, of which only the hash is kept. */
export class AccessTokens {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  create(userId: string, input: CreateTokenInput): Promise<CreatedAccessTokenDto> {
    return this.#database.use((db) => insertToken(db, userId, input));
  }

  async list(userId: string): Promise<readonly AccessTokenDto[]> {
    const rows = await this.#database.use((db) =>
      db.select().from(table).where(eq(table.userId, userId)).orderBy(desc(table.createdAt), table.id),
    );
    return rows.map(dto);
  }

  /** Answers the key of the deleted token. Throws NOT_FOUND. */
  async remove(userId: string, id: string): Promise<string> {
    const [removed] = await this.#database.use((db) =>
      db
        .delete(table)
        .where(and(eq(table.userId, userId), eq(table.id, id)))
        .returning({ hash: table.hash }),
    );
    if (removed === undefined) throw new AppError('NOT_FOUND', 'There is no such token.');
    return removed.hash;
  }

  /** Whose token it is; undefined for one that never was, was deleted or has expired. */
  async find(token: string): Promise<FoundToken | undefined> {
    if (!/^fsa_[A-Za-z0-9]{40}$/.test(token)) return undefined;
    const hash = hashSecret(token);
    const [row] = await this.#database.use((db) =>
      db
        .select({ user: userColumns, lastUsedAt: table.lastUsedAt })
        .from(table)
        .innerJoin(users, eq(table.userId, users.id))
        .where(and(eq(table.hash, hash), notExpired)),
    );
    if (row === undefined) return undefined;
    await this.#noteUse(hash, row.lastUsedAt);
    return { user: row.user, key: hash };
  }

  /** What a token with this key is worth: undefined for one that was deleted or has expired. */
  async standingOf(key: string): Promise<{ readonly until: Date | undefined } | undefined> {
    const [row] = await this.#database.use((db) =>
      db
        .select({ expiresAt: table.expiresAt })
        .from(table)
        .where(and(eq(table.hash, key), notExpired)),
    );
    return row === undefined ? undefined : { until: row.expiresAt ?? undefined };
  }

  /** To the minute: a write for every request would cost more than knowing is worth. */
  async #noteUse(hash: string, lastUsedAt: Date | null): Promise<void> {
    const now = new Date();
    if (lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < 60_000) return;
    await this.#database.use((db) => db.update(table).set({ lastUsedAt: now }).where(eq(table.hash, hash)));
  }
}

/** Throws VALIDATION_FAILED where somebody has too many. */
export async function insertToken(
  db: Pick<Db, 'insert' | '$count'>,
  userId: string,
  input: CreateTokenInput,
): Promise<CreatedAccessTokenDto> {
  const token = `${TOKEN_PREFIX}${randomSecret()}`;
  const expiresAt =
    input.expiresInDays === undefined ? null : new Date(Date.now() + input.expiresInDays * DAY_MS);
  const existing = await db.$count(table, eq(table.userId, userId));
  if (existing >= TOKENS_MAX)
    throw new AppError('VALIDATION_FAILED', `There are ${TOKENS_MAX} tokens already. Delete one first.`);
  const [row] = await db
    .insert(table)
    .values({
      id: randomUserId(),
      userId,
      name: input.name,
      hash: hashSecret(token),
      lastFour: token.slice(-4),
      expiresAt,
    })
    .returning();
  if (row === undefined) throw new Error('The new token was not returned.');
  return { ...dto(row), token };
}

function dto(row: typeof table.$inferSelect): AccessTokenDto {
  return {
    id: row.id,
    name: row.name,
    lastFour: row.lastFour,
    createdAt: row.createdAt.toISOString(),
    ...(row.lastUsedAt === null ? {} : { lastUsedAt: row.lastUsedAt.toISOString() }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
  };
}
