import { DrizzlePostgreSQLAdapter } from '@lucia-auth/adapter-drizzle';
import { eq } from 'drizzle-orm';
import { Lucia, TimeSpan, type Adapter, type Cookie, type DatabaseSession } from 'lucia';
import { hashSecret } from './accounts/random.js';
import type { Database } from './database/database.js';
import { sessions, users } from './database/schema.js';
import type { SessionUser } from './users.js';

/**
 * The only file that knows Lucia, a library that is no longer developed: docs/adr/0008-leaving-lucia.md says how to do
 * without it.
 */

declare module 'lucia' {
  interface Register {
    Lucia: OurLucia;
    DatabaseUserAttributes: UserAttributes;
  }
}

/** A session ends this long after it was last used; Lucia moves the end once half of it is gone. */
const LIFETIME = new TimeSpan(30, 'd');

export type SessionCookie = Pick<Cookie, 'name' | 'value' | 'attributes' | 'serialize'>;

export interface FoundSession {
  readonly user: SessionUser;
  /** Names the session where its id must not be: in the table, in memory, in the log. */
  readonly key: string;
  /** To be sent where the session's end moved. */
  readonly renewed?: SessionCookie;
}

type UserAttributes = Omit<SessionUser, 'id'>;
type OurLucia = ReturnType<typeof createLucia>;

export class Sessions {
  readonly #database: Database;
  readonly #lucia: OurLucia;

  constructor(database: Database, options: { secure: boolean }) {
    this.#database = database;
    this.#lucia = createLucia(database, options);
  }

  async start(userId: string): Promise<SessionCookie> {
    const { id } = await this.#database.use(() => this.#lucia.createSession(userId, {}));
    return this.#lucia.createSessionCookie(id);
  }

  /** Who a `Cookie` header belongs to; undefined for nobody, for a session that ended or never was. */
  async find(cookieHeader: string | null | undefined): Promise<FoundSession | undefined> {
    const id = this.#idIn(cookieHeader);
    if (id === undefined) return undefined;
    const { session, user } = await this.#database.use(() => this.#lucia.validateSession(id));
    if (session === null) return undefined;
    return {
      user,
      key: hashSecret(id),
      ...(session.fresh ? { renewed: this.#lucia.createSessionCookie(id) } : {}),
    };
  }

  /** Ends the session of a `Cookie` header. Answers its key and the cookie that takes the other one away. */
  async end(cookieHeader: string | null | undefined): Promise<{ key?: string; cookie: SessionCookie }> {
    const id = this.#idIn(cookieHeader);
    const cookie = this.#lucia.createBlankSessionCookie();
    if (id === undefined) return { cookie };
    await this.#database.use(() => this.#lucia.invalidateSession(id));
    return { key: hashSecret(id), cookie };
  }

  /** When the session with this key ends; undefined for one that is over. Asking does not move the end, as using does. */
  async endOf(key: string): Promise<Date | undefined> {
    const [row] = await this.#database.use((db) =>
      db.select({ expiresAt: sessions.expiresAt }).from(sessions).where(eq(sessions.id, key)),
    );
    return row === undefined || row.expiresAt.getTime() <= Date.now() ? undefined : row.expiresAt;
  }

  hasCookie(cookieHeader: string | null | undefined): boolean {
    return this.#idIn(cookieHeader) !== undefined;
  }

  async removeExpired(): Promise<void> {
    await this.#database.use(() => this.#lucia.deleteExpiredSessions());
  }

  #idIn(cookieHeader: string | null | undefined): string | undefined {
    const id = this.#lucia.readSessionCookie(cookieHeader ?? '');
    return id === null || id === '' ? undefined : id;
  }
}

function createLucia({ db }: Database, { secure }: { secure: boolean }) {
  return new Lucia(new HashedIds(new DrizzlePostgreSQLAdapter(db, sessions, users)), {
    sessionExpiresIn: LIFETIME,
    sessionCookie: {
      // The prefix makes browsers refuse a cookie of this name that another host or an insecure page set.
      name: secure ? '__Host-fsa_session' : 'fsa_session',
      attributes: { secure, sameSite: 'lax', path: '/' },
    },
    getUserAttributes: ({ username, namespace, operator }: UserAttributes) => ({
      username,
      namespace,
      operator,
    }),
  });
}

/** Stands between Lucia and the table: ids are hashed on their way in, and Lucia only ever sees the one it asked for. */
class HashedIds implements Adapter {
  readonly #inner: Adapter;

  constructor(inner: Adapter) {
    this.#inner = inner;
  }

  async getSessionAndUser(sessionId: string): ReturnType<Adapter['getSessionAndUser']> {
    const [session, user] = await this.#inner.getSessionAndUser(hashSecret(sessionId));
    return [session === null ? null : { ...session, id: sessionId }, user];
  }

  /** The ids cannot be turned back: what comes from here serves to look at, not to sign in with. */
  getUserSessions(userId: string): Promise<DatabaseSession[]> {
    return this.#inner.getUserSessions(userId);
  }

  setSession(session: DatabaseSession): Promise<void> {
    return this.#inner.setSession({ ...session, id: hashSecret(session.id) });
  }

  updateSessionExpiration(sessionId: string, expiresAt: Date): Promise<void> {
    return this.#inner.updateSessionExpiration(hashSecret(sessionId), expiresAt);
  }

  deleteSession(sessionId: string): Promise<void> {
    return this.#inner.deleteSession(hashSecret(sessionId));
  }

  deleteUserSessions(userId: string): Promise<void> {
    return this.#inner.deleteUserSessions(userId);
  }

  deleteExpiredSessions(): Promise<void> {
    return this.#inner.deleteExpiredSessions();
  }
}
