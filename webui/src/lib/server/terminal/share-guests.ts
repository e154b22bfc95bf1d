import { and, desc, eq, inArray, isNotNull, isNull, or } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';
import { hashSecret, randomSecret, randomUserId } from '../accounts/random.js';
import type { Database } from '../database/database.js';
import { terminalShareGuests as guests } from '../database/schema.js';
import type { SessionUser } from '../users.js';
import { guestDto, type GuestDto } from './share-dto.js';
import type { Share } from './shares.js';

export type Guest = typeof guests.$inferSelect;

const GUESTS_MAX = 200;

/** Who joined a shared terminal, and who of them is there. What their cookies hold is kept as a hash only. */
export class ShareGuests {
  readonly #database: Database;
  /** Open connections of each guest, in this process. */
  readonly #online = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** By the id of the share, newest first. */
  async of(shareIds: readonly string[]): Promise<ReadonlyMap<string, readonly GuestDto[]>> {
    const rows = await this.#database.use((db) =>
      db
        .select()
        .from(guests)
        .where(inArray(guests.shareId, [...shareIds]))
        .orderBy(desc(guests.joinedAt), guests.id),
    );
    const found = new Map<string, GuestDto[]>();
    for (const guest of rows) {
      const known = found.get(guest.shareId) ?? [];
      found.set(guest.shareId, [...known, guestDto(guest, this.#online.has(guest.id))]);
    }
    return found;
  }

  /** Lets somebody in. Answers what their cookie has to hold. Throws UNAUTHENTICATED, VALIDATION_FAILED. */
  async admit(
    share: Pick<Share, 'id' | 'audience'>,
    who: { user: SessionUser | null; name: string | undefined },
  ): Promise<{ guest: Guest; token: string }> {
    const { user } = who;
    if (user === null && share.audience === 'accounts')
      throw new AppError('UNAUTHENTICATED', 'This link is for people who are signed in.');
    const name = user?.username ?? who.name;
    if (name === undefined)
      throw new AppError('VALIDATION_FAILED', 'Say who you are.', {
        errors: [{ field: 'name', message: 'Your name is needed.' }],
      });
    const token = randomSecret();
    const row = await this.#database.use(async (db) => {
      if ((await db.$count(guests, eq(guests.shareId, share.id))) >= GUESTS_MAX)
        throw new AppError('RATE_LIMITED', 'This link was used too often. Ask for a new one.');
      const values = { id: randomUserId(), shareId: share.id, userId: user?.id ?? null, name };
      const [inserted] = await db
        .insert(guests)
        .values({ ...values, hash: hashSecret(token) })
        .returning();
      return inserted;
    });
    if (row === undefined) throw new Error('The new guest was not returned.');
    return { guest: row, token };
  }

  /**
   * Keeps out who was removed and opens the link once more: the same browser, by its cookie, and the same account.
   * Throws FORBIDDEN. Somebody without an account can still come as somebody else; only ending the link ends that.
   */
  async requireWelcome(
    shareId: string,
    who: { token: string | undefined; user: SessionUser | null },
  ): Promise<void> {
    const { token, user } = who;
    const same = [
      ...(token === undefined ? [] : [eq(guests.hash, hashSecret(token))]),
      ...(user === null ? [] : [eq(guests.userId, user.id)]),
    ];
    if (same.length === 0) return;
    const found = await this.#database.use((db) =>
      db.$count(guests, and(eq(guests.shareId, shareId), isNotNull(guests.removedAt), or(...same))),
    );
    if (found > 0) throw removed();
  }

  /** Of an account, every visit with this link. Throws NOT_FOUND; who was removed already stays as they were. */
  async remove(of: { share: string; guest: string }, by: SessionUser): Promise<readonly Guest[]> {
    const [guest] = await this.#database.use((db) =>
      db
        .select()
        .from(guests)
        .where(and(eq(guests.shareId, of.share), eq(guests.id, of.guest))),
    );
    if (guest === undefined) throw new AppError('NOT_FOUND', 'There is no such guest.');
    const visits = guest.userId === null ? eq(guests.id, guest.id) : eq(guests.userId, guest.userId);
    return this.#database.use((db) =>
      db
        .update(guests)
        .set({ removedAt: new Date(), removedBy: by.username })
        .where(and(eq(guests.shareId, of.share), visits, isNull(guests.removedAt)))
        .returning(),
    );
  }

  /** Without an end of their own; undefined for who was removed. */
  async standingOf(id: string): Promise<{ readonly until: undefined } | undefined> {
    const found = await this.#database.use((db) =>
      db.$count(guests, and(eq(guests.id, id), isNull(guests.removedAt))),
    );
    return found === 0 ? undefined : { until: undefined };
  }

  /** A guest's terminal is open. Answers what has to be called when it no longer is. */
  arrived(guest: string): () => void {
    this.#online.set(guest, (this.#online.get(guest) ?? 0) + 1);
    return () => {
      const left = (this.#online.get(guest) ?? 1) - 1;
      if (left > 0) this.#online.set(guest, left);
      else {
        this.#online.delete(guest);
        this.#noteLeft(guest).catch(() => undefined);
      }
    };
  }

  async #noteLeft(guest: string): Promise<void> {
    await this.#database.use((db) =>
      db.update(guests).set({ leftAt: new Date() }).where(eq(guests.id, guest)),
    );
  }
}

export const removed = (): AppError =>
  new AppError('FORBIDDEN', 'You were removed from this terminal by somebody who shares it.');
