import { error as pageError } from '@sveltejs/kit';
import { asAppError } from './problems.js';
import { services } from './services.js';

/** Throws what SvelteKit shows as the error page, with the problem's status and sentence instead of a 500. */
export function failPage(requestId: string, error: unknown): never {
  const known = asAppError(error);
  const { status, detail, code } = known.toProblem();
  if (code === 'INTERNAL') services().log.error({ err: known.cause ?? known, requestId }, 'unexpected');
  else if (status >= 500)
    services().log.warn({ err: known.cause ?? known, requestId, code }, 'a page failed');
  pageError(status, { message: detail, code, id: requestId });
}
