import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import type { SessionUser } from './users.js';

/** What a person types to sign up and to sign in. Unchecked: these functions check it, field by field. */
export interface Credentials {
  readonly username: unknown;
  readonly password: unknown;
}

/**
 * Makes an account and signs it in (sets the session cookie). Throws VALIDATION_FAILED with errors beside `username` or
 * `password`, NAME_TAKEN (field `username`), SIGNUP_CLOSED, RATE_LIMITED, NOT_READY.
 */
export function signUp(_event: RequestEvent, _credentials: Credentials): Promise<SessionUser> {
  return Promise.reject(new AppError('NOT_READY', 'Not built yet.'));
}

/** Signs in: a new session, the one before ends. Throws UNAUTHENTICATED, VALIDATION_FAILED, RATE_LIMITED, NOT_READY. */
export function logIn(_event: RequestEvent, _credentials: Credentials): Promise<SessionUser> {
  return Promise.reject(new AppError('NOT_READY', 'Not built yet.'));
}

/** Ends the session, its open terminals and event streams. No error where nobody is signed in. */
export function logOut(_event: RequestEvent): Promise<void> {
  return Promise.resolve();
}

/** Whether somebody may sign up now. False too where it cannot be known. */
export function signUpOpen(): Promise<boolean> {
  return Promise.resolve(false);
}
