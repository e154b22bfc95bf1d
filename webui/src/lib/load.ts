import { redirect, type RequestEvent } from '@sveltejs/kit';
import { loginPath } from './redirect.js';
import { failPage } from './server/page-errors.js';

type Locals = App.Locals;

/** For `load` on the server: the signed-in person and their controller; others are asked to sign in. */
export function signedIn({ locals, url }: Pick<RequestEvent, 'locals' | 'url'>): {
  user: NonNullable<Locals['user']>;
  controller: NonNullable<Locals['controller']>;
} {
  const { user, controller } = locals;
  if (user === null || controller === null) redirect(303, loginPath(`${url.pathname}${url.search}`));
  return { user, controller };
}

/** A problem becomes an error page with its words and the request's id, and a line in the log. */
export async function orErrorPage<T>(locals: Locals, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    return failPage(locals.requestId, cause);
  }
}
