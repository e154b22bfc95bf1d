import { DrizzleQueryError } from 'drizzle-orm';
import { AppError } from '@fullstackagent/controller/contract';

/** PostgreSQL's class 08 (connection), 53 (resources), 57P (shut down, starting up) and the network's own codes. */
const AWAY =
  /^(?:08...|53...|57P0[1-5]|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** How pg says without a code that there is no connection (pg 8.23, client.js and pg-pool). */
const AWAY_MESSAGES: readonly string[] = [
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error and is not queryable',
  'Cannot use a pool after calling end on the pool',
  'Query read timeout',
];

/**
 * What the rest of the portal sees of a database error. Drizzle's own wrapper lists a query's parameters in its message
 * (hashes, names): it is taken off here, and never gets into a log.
 */
export function databaseError(error: unknown): unknown {
  const cause = error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error;
  if (!isAway(cause)) return cause;
  return new AppError(
    'NOT_READY',
    "The portal's database cannot be reached right now. Try again in a moment.",
    {
      cause,
    },
  );
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string') return AWAY.test(error.code);
  // Several addresses were tried (::1, 127.0.0.1): each says why.
  if (error instanceof AggregateError) return error.errors.some(isAway);
  return AWAY_MESSAGES.includes(error.message);
}

/** The name of the unique index that a value was refused by, if that is what happened. */
export function violatedIndex(error: unknown): string | undefined {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  if (!(cause instanceof Error) || !('code' in cause) || cause.code !== '23505') return undefined;
  return 'constraint' in cause && typeof cause.constraint === 'string' ? cause.constraint : undefined;
}
