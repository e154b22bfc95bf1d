import { sql } from 'drizzle-orm';
import { boolean, index, integer, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';

/** What the portal keeps, and git does not: who people are. Changed by a new file in `webui/drizzle`, never in place. */

const instant = (name: string) => timestamp(name, { withTimezone: true });

export const users = pgTable(
  'users',
  {
    id: text('id').primaryKey(),
    username: text('username').notNull(),
    passwordHash: text('password_hash').notNull(),
    namespace: text('namespace').notNull().unique('users_namespace_unique'),
    operator: boolean('operator').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('users_username_unique').on(sql`lower(${table.username})`)],
);

export const sessions = pgTable(
  'sessions',
  {
    /** The hash of what the cookie holds: whoever reads this table can sign in as nobody. */
    id: text('id').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [index('sessions_user').on(table.userId), index('sessions_expiry').on(table.expiresAt)],
);

export const personalAccessTokens = pgTable(
  'personal_access_tokens',
  {
    id: text('id').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    hash: text('hash').notNull().unique('personal_access_tokens_hash_unique'),
    lastFour: text('last_four').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    lastUsedAt: instant('last_used_at'),
    expiresAt: instant('expires_at'),
  },
  (table) => [index('personal_access_tokens_user').on(table.userId)],
);

/** What becomes a personal access token once, on the machine that shows it. */
export const tokenCodes = pgTable(
  'token_codes',
  {
    hash: text('hash').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** How long the token is to work; null for one without an end. */
    expiresInDays: integer('expires_in_days'),
    /** Of the code. */
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [index('token_codes_expiry').on(table.expiresAt)],
);

export const terminalShares = pgTable(
  'terminal_shares',
  {
    id: text('id').primaryKey(),
    /** Who shared it. What they may no longer do, their guests may not either. */
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    namespace: text('namespace').notNull(),
    project: text('project').notNull(),
    session: text('session').notNull(),
    /** What the shell was called when it was shared. */
    label: text('label').notNull(),
    access: text('access', { enum: ['view', 'write'] }).notNull(),
    audience: text('audience', { enum: ['anyone', 'accounts'] }).notNull(),
    hash: text('hash').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
    endedAt: instant('ended_at'),
    endedBy: text('ended_by'),
  },
  (table) => [
    index('terminal_shares_project').on(table.namespace, table.project),
    index('terminal_shares_expiry').on(table.expiresAt),
  ],
);

export const terminalShareGuests = pgTable(
  'terminal_share_guests',
  {
    id: text('id').primaryKey(),
    shareId: text('share_id')
      .notNull()
      .references(() => terminalShares.id, { onDelete: 'cascade' }),
    /** Of a guest who was signed in; the name of any other is what they said it was. */
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** Of what the guest's cookie holds. */
    hash: text('hash').notNull().unique('terminal_share_guests_hash_unique'),
    joinedAt: instant('joined_at').notNull().defaultNow(),
    leftAt: instant('left_at'),
    /** By somebody who may share the terminal. The link stands, and this visit is over. */
    removedAt: instant('removed_at'),
    removedBy: text('removed_by'),
  },
  (table) => [index('terminal_share_guests_share').on(table.shareId)],
);
