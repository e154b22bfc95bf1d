import { AppError, problem, type ErrorCode, type Problem } from '@fullstackagent/controller/contract';
import type { RequestEvent } from '@sveltejs/kit';
import { services } from './services.js';

/** Errors become problem documents here and nowhere else; what nobody expected is logged, and told without detail. */
export function problemResponse(error: unknown, event: RequestEvent): Response {
  const known = asAppError(error);
  logProblem(known, event);
  return problemDocument(known.toProblem());
}

export const problemDocument = (document: Problem): Response =>
  new Response(JSON.stringify(document), {
    status: document.status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  });

export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('INTERNAL', 'Something went wrong here. The request id finds it in the log.', {
    cause: error,
  });
}

function logProblem(error: AppError, event: RequestEvent): void {
  const { log } = services();
  const where = { requestId: event.locals.requestId, method: event.request.method, route: event.route.id };
  if (error.code === 'INTERNAL') log.error({ err: error.cause ?? error, ...where }, 'unexpected');
  else if (error.toProblem().status >= 500)
    log.warn({ err: error.cause ?? error, code: error.code, ...where }, 'the outside world failed');
}

const bareStatuses: Partial<Record<number, readonly [ErrorCode, string]>> = {
  400: ['BAD_REQUEST', 'The request cannot be read.'],
  404: ['NOT_FOUND', 'There is nothing at this address.'],
  405: [
    'METHOD_NOT_ALLOWED',
    'This address does not know that method. The header Allow says which ones it knows.',
  ],
  413: ['TOO_LARGE', 'A request has at most 2 MB.'],
};

/** What SvelteKit answers by itself (no such route, no such method), as a problem document. */
export function asProblemResponse(response: Response): Response {
  if (response.status < 400) return response;
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('application/problem+json')) return response;
  const [code, detail] = bareStatuses[response.status] ?? ['INTERNAL', 'Something went wrong here.'];
  const document = problemDocument(problem(code, detail));
  const allow = response.headers.get('allow');
  if (allow !== null) document.headers.set('allow', allow);
  return document;
}
