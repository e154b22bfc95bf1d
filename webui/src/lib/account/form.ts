import { AppError, type Problem } from '@fullstackagent/controller/contract';
import { fail, redirect, type ActionFailure, type RequestEvent } from '@sveltejs/kit';
import { safeNext } from '../redirect.js';

export interface AccountFailure {
  /** What was typed, so that nobody types it twice; never the password. */
  readonly username: string;
  readonly problem: Problem;
}

interface Typed {
  readonly username: unknown;
  readonly password: unknown;
}

/** Runs sign-up or sign-in with what a form holds; goes on to the page that was asked for. */
export async function submitAccount(
  event: RequestEvent,
  enter: (event: RequestEvent, typed: Typed) => Promise<unknown>,
): Promise<ActionFailure<AccountFailure>> {
  const form = await event.request.formData();
  const username = form.get('username');
  try {
    await enter(event, { username, password: form.get('password') });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const problem = cause.toProblem();
    return fail(problem.status, { username: typeof username === 'string' ? username : '', problem });
  }
  redirect(303, safeNext(event.url.searchParams.get('next')));
}
