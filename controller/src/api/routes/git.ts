import { Router, type ErrorRequestHandler, type Request, type Response } from 'express';
import { errorCodes } from '../../contract/errors.js';
import type { ApiDeps } from '../deps.js';
import { classify } from '../problems.js';
import { contextOf, requestIdOf, requireToken } from '../request.js';

const REPOSITORY = '/gitops.git';
const COME_AGAIN_SECONDS = '5';

/** The repository, for stock git. */
export function gitRoutes(deps: Pick<ApiDeps, 'git' | 'tokens' | 'log'>): Router {
  const router = Router();
  router.use(REPOSITORY, requireToken(deps), async (request: Request, response: Response) => {
    const { claims, requestId } = contextOf(response);
    const [, query = ''] = request.url.split('?', 2);
    await deps.git.answer({ request, response, path: request.path, query, claims, requestId });
  });
  router.use(REPOSITORY, inPlainText(deps));
  return router;
}

/** git shows its user what an error says only where that is plain text. */
function inPlainText({ log }: Pick<ApiDeps, 'log'>): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (error: unknown, _request, response, next) => {
    const known = classify(error);
    if (known.code === 'INTERNAL')
      log.error({ err: error, requestId: requestIdOf(response) }, 'git cannot be served');
    if (response.headersSent) {
      next(error);
      return;
    }
    if (known.code === 'NOT_READY') response.setHeader('Retry-After', COME_AGAIN_SECONDS);
    response.status(errorCodes[known.code]).type('text/plain').send(`${known.message}\n`);
  };
}
