import { DrizzlePostgreSQLAdapter } from '@lucia-auth/adapter-drizzle';
import { Lucia, TimeSpan, type Adapter, type Cookie } from 'lucia';
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
    Lucia: Lucia<Record<never, never>, Omit<SessionUser, 'id'>>;
    DatabaseUserAttributes: Omit<SessionUser, 'id'>;
  }
}

/** A session ends this long after it was last used; Lucia moves the end once half of it is gone. */
const LIFETIME = new TimeSpan(30, 'd');

export interface FoundSession {
  readonly user: SessionUser;
  /** Names the session where its id must not be: in the table, in memory, in the log. */
  readonly key: string;
  /** To be sent where the session's end moved. */
  readonly renewed?: Cookie;
}

export class Sessions {
  readonly #database: Database;
  readonly #lucia: Promise<Lucia<Record<never, never>, Omit<SessionUser, 'id'>>>;
  readonly cookieName: string;

  constructor(database: Database, options: { secure: boolean }) {
    this.#database = database;
    // The prefix makes browsers refuse a cookie of this name that another host or an insecure page set.
    this.cookieName = options.secure ? '__Host-fsa_session' : 'fsa_session';
    this.#lucia = database.handle((db) => this.#create(new DrizzlePostgreSQLAdapter(db, sessions, users), options));
  }

  #create(adapter: Adapter, { secure }: { secure: boolean }) {
    return new Lucia(hashed(adapter), {
      sessionExpiresIn: LIFETIME,
      sessionCookie: { name: this.cookieName, attributes: { secure, sameSite: 'lax', path: '/' } },
      getUserAttributes: ({ username, namespace, operator }) => ({ username, namespace, operator }),
    });
  }
}

function hashed(adapter: Adapter): Adapter {
  return adapter;
}
