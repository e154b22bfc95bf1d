import { error as pageError, type RequestEvent } from '@sveltejs/kit';
import { asAppError } from './problems.js';
import { services } from './services.js';

/**
 * For `load` functions: a problem becomes the error page with its status and its sentence, instead of a 500.
 * `const projects = await orErrorPage(event, controller.projects(namespace))`
 */
export async function orErrorPage<T>(event: RequestEvent, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    return failPage(event, error);
  }
}

/** Throws what SvelteKit shows as the error page. */
export function failPage(event: Pick<RequestEvent, 'locals'>, error: unknown): never {
  const known = asAppError(error);
  const { status, detail, code } = known.toProblem();
  const { requestId } = event.locals;
  if (status >= 500) services().log.warn({ err: known.cause ?? known, requestId, code }, 'a page failed');
  pageError(status, { message: detail, code, id: requestId });
}
