import { count, eq, sql } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';
import { violatedIndex } from '../database/database-error.js';
import type { Database, Db } from '../database/database.js';
import { users } from '../database/schema.js';
import type { SessionUser } from '../users.js';
import { randomNamespace, randomUserId } from './random.js';

/** `open`: anybody may sign up. `first only`: nobody after the first account. `unknown`: only the first, for now. */
export type SignUpPolicy = 'open' | 'first only' | 'unknown';

export interface NewAccount {
  readonly username: string;
  readonly passwordHash: string;
}

export interface StoredAccount {
  readonly user: SessionUser;
  readonly passwordHash: string;
}

/** Any number: two sign-ups never count the accounts at the same time. */
const SIGN_UP_LOCK = 7_263_013;
const NAMESPACE_DRAWS = 5;

export const userColumns = {
  id: users.id,
  username: users.username,
  namespace: users.namespace,
  operator: users.operator,
};

export class AccountStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async isEmpty(): Promise<boolean> {
    return this.#database.use(async (db) => (await countUsers(db)) === 0);
  }

  async find(username: string): Promise<StoredAccount | undefined> {
    const [row] = await this.#database.use((db) =>
      db
        .select({ user: userColumns, passwordHash: users.passwordHash })
        .from(users)
        .where(eq(sql`lower(${users.username})`, username.toLowerCase())),
    );
    return row;
  }

  /** The first account becomes the operator's. Throws SIGNUP_CLOSED, NAME_TAKEN, NOT_READY. */
  async create(account: NewAccount, policy: SignUpPolicy): Promise<SessionUser> {
    for (let draw = 1; ; draw++) {
      try {
        return await this.#database.use((db) => db.transaction((tx) => insertAccount(tx, account, policy)));
      } catch (error) {
        const index = violatedIndex(error);
        if (index === 'users_username_unique') throw nameTaken();
        if (index !== 'users_namespace_unique' || draw === NAMESPACE_DRAWS) throw error;
      }
    }
  }
}

type Transaction = Parameters<Parameters<Db['transaction']>[0]>[0];

async function insertAccount(
  tx: Transaction,
  account: NewAccount,
  policy: SignUpPolicy,
): Promise<SessionUser> {
  await tx.execute(sql`select pg_advisory_xact_lock(${SIGN_UP_LOCK})`);
  const first = (await countUsers(tx)) === 0;
  if (!first) refuseUnlessOpen(policy);
  const user = {
    id: randomUserId(),
    username: account.username,
    namespace: randomNamespace(),
    operator: first,
  };
  await tx.insert(users).values({ ...user, passwordHash: account.passwordHash });
  return user;
}

async function countUsers(db: Db | Transaction): Promise<number> {
  const [row] = await db.select({ accounts: count() }).from(users);
  return row?.accounts ?? 0;
}

export function refuseUnlessOpen(policy: SignUpPolicy): void {
  if (policy === 'first only')
    throw new AppError(
      'SIGNUP_CLOSED',
      'Sandboxes on this machine are plain processes that are not kept apart, so there is one account only. ' +
        'Run FullstackAgent on Kubernetes, or where bubblewrap is installed, for more people.',
    );
  if (policy === 'unknown')
    throw new AppError(
      'NOT_READY',
      'The platform is not answering, and whether sign-up is open cannot be known without it. Try again in a moment.',
    );
}

const nameTaken = (): AppError =>
  new AppError('NAME_TAKEN', 'This username is taken.', {
    errors: [{ field: 'username', message: 'This username is taken.' }],
  });
