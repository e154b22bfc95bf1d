import { and, desc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';
import { hashSecret, randomSecret, randomUserId } from '../accounts/random.js';
import type { Database } from '../database/database.js';
import { terminalShareGuests as guests, terminalShares as shares, users } from '../database/schema.js';
import type { ProjectKey } from '../project-key.js';
import type { SessionUser } from '../users.js';
import { shareDto, type CreatedShareDto, type ShareDto } from './share-dto.js';
import { removed, ShareGuests, type Guest } from './share-guests.js';
import type { CreateShareInput } from './share-input.js';

export type Share = typeof shares.$inferSelect & { readonly sharedBy: string };

/** What an operator allows: links for whoever has them, for people with an account, or none. */
export type SharePolicy = 'anyone' | 'accounts' | 'off';

const ACTIVE_MAX = 50;
const MINUTE_MS = 60_000;
/** How long a link that is over is still listed, with who used it. */
const KEPT_MS = 30 * 24 * 60 * MINUTE_MS;

const stands = and(isNull(shares.endedAt), gt(shares.expiresAt, sql`now()`));
const columns = { share: shares, sharedBy: users.username };

/** Links that let others into one terminal. Their secrets and the guests' are kept as hashes only. */
export class TerminalShares {
  readonly #database: Database;
  readonly policy: SharePolicy;
  readonly guests: ShareGuests;

  constructor(database: Database, policy: SharePolicy) {
    this.#database = database;
    this.policy = policy;
    this.guests = new ShareGuests(database);
  }

  async create(user: SessionUser, key: ProjectKey, input: CreateShareInput): Promise<CreatedShareDto> {
    this.#requireAllowed(input.audience);
    const secret = randomSecret();
    const { session, label, access, audience, expiresInMinutes } = input;
    const row = await this.#database.use(async (db) => {
      const active = await db.$count(shares, and(ofProject(key), stands));
      if (active >= ACTIVE_MAX)
        throw new AppError('VALIDATION_FAILED', `There are ${ACTIVE_MAX} links already. End one first.`);
      const [inserted] = await db
        .insert(shares)
        .values({
          id: randomUserId(),
          userId: user.id,
          namespace: key.namespace,
          project: key.name,
          session,
          label,
          access,
          audience,
          hash: hashSecret(secret),
          expiresAt: new Date(Date.now() + expiresInMinutes * MINUTE_MS),
        })
        .returning();
      return inserted;
    });
    if (row === undefined) throw new Error('The new share was not returned.');
    return { ...shareDto({ ...row, sharedBy: user.username }, []), secret };
  }

  /** Those that work, and those that were over lately; newest first. */
  async list(key: ProjectKey): Promise<readonly ShareDto[]> {
    const rows = await this.#database.use((db) =>
      db
        .select(columns)
        .from(shares)
        .innerJoin(users, eq(shares.userId, users.id))
        .where(ofProject(key))
        .orderBy(desc(shares.createdAt), shares.id)
        .limit(100),
    );
    const joined = await this.guests.of(rows.map(({ share }) => share.id));
    return rows.map(({ share, sharedBy }) => shareDto({ ...share, sharedBy }, joined.get(share.id) ?? []));
  }

  /** For good. Throws NOT_FOUND; one that is over already stays as it was. */
  async end(key: ProjectKey, id: string, by: SessionUser): Promise<void> {
    await this.#requireOf(key, id);
    await this.#database.use((db) =>
      db
        .update(shares)
        .set({ endedAt: new Date(), endedBy: by.username })
        .where(and(eq(shares.id, id), stands)),
    );
  }

  /** Every link to this shell. Answers the ids of those that this ended. */
  async endOf(key: ProjectKey, session: string, by: SessionUser): Promise<readonly string[]> {
    const ended = await this.#database.use((db) =>
      db
        .update(shares)
        .set({ endedAt: new Date(), endedBy: by.username })
        .where(and(ofProject(key), eq(shares.session, session), stands))
        .returning({ id: shares.id }),
    );
    return ended.map(({ id }) => id);
  }

  /** A guest's visit is over, and the link stands. Answers the visits that this ended. Throws NOT_FOUND. */
  async removeGuest(
    key: ProjectKey,
    of: { share: string; guest: string },
    by: SessionUser,
  ): Promise<readonly Guest[]> {
    await this.#requireOf(key, of.share);
    return this.guests.remove(of, by);
  }

  /** The share that this link opens. Throws NOT_FOUND for a link that is wrong or over: the two look the same. */
  async bySecret(id: string, secret: string): Promise<Share> {
    const [row] = await this.#database.use((db) =>
      db
        .select(columns)
        .from(shares)
        .innerJoin(users, eq(shares.userId, users.id))
        .where(and(eq(shares.id, id), eq(shares.hash, hashSecret(secret)), stands)),
    );
    if (row === undefined) throw over();
    this.#requireAllowed(row.share.audience);
    return { ...row.share, sharedBy: row.sharedBy };
  }

  /** Who holds this cookie's token, while the share stands. Throws NOT_FOUND, FORBIDDEN for who was removed. */
  async byToken(id: string, token: string | undefined): Promise<{ share: Share; guest: Guest }> {
    if (token === undefined) throw over();
    const [row] = await this.#database.use((db) =>
      db
        .select({ ...columns, guest: guests })
        .from(guests)
        .innerJoin(shares, eq(guests.shareId, shares.id))
        .innerJoin(users, eq(shares.userId, users.id))
        .where(and(eq(shares.id, id), eq(guests.hash, hashSecret(token)), stands)),
    );
    if (row === undefined) throw over();
    if (row.guest.removedAt !== null) throw removed();
    this.#requireAllowed(row.share.audience);
    return { share: { ...row.share, sharedBy: row.sharedBy }, guest: row.guest };
  }

  /** Until when the share with this id works; undefined for one that is over. */
  async standingOf(id: string): Promise<{ readonly until: Date } | undefined> {
    const [row] = await this.#database.use((db) =>
      db
        .select({ until: shares.expiresAt })
        .from(shares)
        .where(and(eq(shares.id, id), stands)),
    );
    return row;
  }

  async removeOld(): Promise<void> {
    await this.#database.use((db) =>
      db.delete(shares).where(lt(shares.expiresAt, new Date(Date.now() - KEPT_MS))),
    );
  }

  async #requireOf(key: ProjectKey, id: string): Promise<void> {
    const found = await this.#database.use((db) => db.$count(shares, and(ofProject(key), eq(shares.id, id))));
    if (found === 0) throw new AppError('NOT_FOUND', 'There is no such link.');
  }

  #requireAllowed(audience: 'anyone' | 'accounts'): void {
    if (this.policy === 'off') throw new AppError('FORBIDDEN', 'This installation shares no terminals.');
    if (this.policy === 'accounts' && audience === 'anyone')
      throw new AppError('FORBIDDEN', 'On this installation links are for people with an account.');
  }
}

const ofProject = ({ namespace, name }: ProjectKey) =>
  and(eq(shares.namespace, namespace), eq(shares.project, name));

const over = (): AppError =>
  new AppError('NOT_FOUND', 'This link does not work: it has ended, has expired, or is not complete.');
