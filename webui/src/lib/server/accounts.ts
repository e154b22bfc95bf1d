import { randomUUID } from 'node:crypto';
import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { refuseUnlessOpen } from './accounts/account-store.js';
import { logInInput, signUpInput } from './accounts/credentials.js';
import { hashPassword, verifyPassword } from './accounts/passwords.js';
import { failPage } from './page-errors.js';
import { services } from './services.js';
import type { SessionCookie } from './sessions.js';
import type { SessionUser } from './users.js';
import { validated } from './validated.js';

/** What a person types to sign up and to sign in. Unchecked: these functions check it, field by field. */
export interface Credentials {
  readonly username?: unknown;
  readonly password?: unknown;
}

/**
 * Makes an account and signs it in (sets the session cookie). Throws VALIDATION_FAILED with errors beside `username` or
 * `password`, NAME_TAKEN (field `username`), SIGNUP_CLOSED, RATE_LIMITED, NOT_READY.
 */
export async function signUp(event: RequestEvent, credentials: Credentials): Promise<SessionUser> {
  const { accounts, controllers, limits } = services();
  const { username, password } = validated(signUpInput, credentials);
  const policy = await controllers.signUpPolicy(event.locals.requestId);
  // Asked before the costly part; decided, once and for all, inside the transaction.
  if (!(await accounts.isEmpty())) refuseUnlessOpen(policy);
  limits.signUps.take(event.getClientAddress());
  const passwordHash = await hashPassword(password);
  const user = await accounts.create({ username, passwordHash }, policy);
  audit(event, 'signed-up', user.id);
  await startSession(event, user);
  await ensureTenant(event, user);
  return user;
}

/** Signs in: a new session, the one before ends. Throws UNAUTHENTICATED, VALIDATION_FAILED, RATE_LIMITED, NOT_READY. */
export async function logIn(event: RequestEvent, credentials: Credentials): Promise<SessionUser> {
  const { accounts, limits } = services();
  const { username, password } = validated(logInInput, credentials);
  const address = event.getClientAddress();
  const pair = `${address} ${username}`;
  limits.address.take(address);
  limits.accountFromAddress.take(pair);
  limits.account.take(username);
  const account = await accounts.find(username);
  const matches = await verifyPassword(account?.passwordHash, password);
  if (account === undefined || !matches) {
    // Not the name that was typed: people type passwords into that field.
    audit(event, 'sign-in-refused', account?.user.id);
    throw new AppError('UNAUTHENTICATED', 'The username or the password is not right.');
  }
  audit(event, 'signed-in', account.user.id);
  // Whoever has an account of their own must not be able to go on guessing at others.
  limits.address.giveBack(address);
  limits.accountFromAddress.forgive(pair);
  limits.account.forgive(username);
  await startSession(event, account.user);
  return account.user;
}

/** Ends the session, its open terminals and event streams. No error where nobody is signed in. */
export async function logOut(event: RequestEvent): Promise<void> {
  const { name, value, attributes } = await endSession(event);
  event.cookies.set(name, value, { ...attributes, path: '/' });
  actAs(event, null);
}

/**
 * Whether somebody may sign up now; false too where the platform cannot be asked. For `load` functions: a database that
 * is away becomes the error page (503).
 */
export async function signUpOpen(): Promise<boolean> {
  const { accounts, controllers } = services();
  const requestId = randomUUID();
  const first = await accounts.isEmpty().catch((error: unknown) => failPage(requestId, error));
  return first || (await controllers.signUpPolicy(requestId)) === 'open';
}

/**
 * The person's own namespace, made where it is not there yet. Best effort: what needs it asks again, and says what is
 * wrong then.
 */
export async function ensureTenant(event: RequestEvent, user: SessionUser): Promise<void> {
  const { controllers, log } = services();
  const { requestId } = event.locals;
  try {
    await controllers.clientFor(user, requestId).ensureTenant(user.namespace, user.username);
  } catch (error) {
    log.warn({ err: error, requestId, namespace: user.namespace }, 'the tenant could not be ensured');
  }
}

/** A new id for every sign-in: one that somebody planted before is worth nothing after. */
async function startSession(event: RequestEvent, user: SessionUser): Promise<void> {
  await endSession(event);
  const { name, value, attributes } = await services().sessions.start(user.id);
  event.cookies.set(name, value, { ...attributes, path: '/' });
  actAs(event, user);
}

async function endSession(event: RequestEvent): Promise<SessionCookie> {
  const { sessions, live } = services();
  const { key, cookie } = await sessions.end(event.request.headers.get('cookie'));
  if (key !== undefined) live.end(key);
  return cookie;
}

function actAs(event: RequestEvent, user: SessionUser | null): void {
  const { locals } = event;
  locals.user = user;
  locals.controller = user === null ? null : services().controllers.clientFor(user, locals.requestId);
}

/** What happened to an account, for whoever reads the log later. */
export function audit(event: RequestEvent, what: string, user: string | undefined): void {
  writeAudit(event, what, { user });
}

/** The same for what happened to something else. */
export function writeAudit(
  event: RequestEvent,
  what: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const { requestId } = event.locals;
  services().log.info({ audit: what, ...facts, address: addressOf(event), requestId }, 'audit');
}

/** What was done is written down too where the proxy did not say who asked. */
function addressOf(event: RequestEvent): string | undefined {
  try {
    return event.getClientAddress();
  } catch {
    return undefined;
  }
}
