import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AppError, errorCodes, type Problem } from '../contract/errors.js';
import { KubeError } from '../shared/kube-api.js';
import { requestIdOf } from './request.js';

export const notFound: RequestHandler = () => {
  throw new AppError('NOT_FOUND', 'There is nothing at this address.');
};

/** Errors become problem documents here and nowhere else; what nobody expected is logged, and told without detail. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (error: unknown, request, response, next) => {
    const known = classify(error);
    const requestId = requestIdOf(response);
    if (known.code === 'INTERNAL')
      log.error({ err: error, requestId, method: request.method, path: request.path }, 'unexpected');
    else if (errorCodes[known.code] >= 500)
      log.warn({ err: known.cause ?? known, requestId, code: known.code }, 'the outside world failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    sendProblem(response, known.toProblem());
  };
}

export function sendProblem(response: Response, problem: Problem): void {
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

export function classify(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof KubeError) return error.toAppError();
  return (
    bodyError(error) ??
    new AppError('INTERNAL', 'Something went wrong here. The request id finds it in the log.', {
      cause: error,
    })
  );
}

/** What the body parser and the router throw (package http-errors): a status and a type, no class of their own. */
function bodyError(error: unknown): AppError | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status === 413) return new AppError('TOO_LARGE', 'A request has at most 2 MB.', { cause: error });
  if (error.status >= 400 && error.status < 500)
    return new AppError(
      'BAD_REQUEST',
      'The request cannot be read: it is not valid JSON, or not a valid address.',
      {
        cause: error,
      },
    );
  return undefined;
}
