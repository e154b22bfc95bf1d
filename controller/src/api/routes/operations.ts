import { Router, type Request, type Response } from 'express';
import { AppError } from '../../contract/errors.js';
import type { Accepted } from '../../model/intent.js';
import type { Asked } from '../changes.js';
import type { ApiDeps } from '../deps.js';
import { contextOf, requireOperator } from '../request.js';

const OPERATIONS = '/v1/operations';
const COMMIT_ID = /^[0-9a-f]{40}$/;

/** For operators: what is held back until one of them decides. */
export function operationRoutes({ operations }: ApiDeps): Router {
  const router = Router();
  router.use(OPERATIONS, (_request, response, next) => {
    requireOperator(response);
    next();
  });
  router.get(OPERATIONS, async (_request, response) => {
    response.json(await operations.list());
  });
  router.get(`${OPERATIONS}/rollout/plan`, async (_request, response) => {
    response.json(await operations.plan());
  });
  const decision =
    (decide: (asked: Asked, commit: string) => Promise<Accepted>) =>
    async (request: Request, response: Response): Promise<void> => {
      const { commit } = await decide(contextOf(response), commitOf(request));
      response.status(202).json({ commit });
    };
  router.post(
    `${OPERATIONS}/rollout/approve`,
    decision((asked) => operations.approveRollOut(asked)),
  );
  router.post(
    `${OPERATIONS}/rollout/put-back`,
    decision((asked) => operations.putBackPlatform(asked)),
  );
  router.post(
    `${OPERATIONS}/removals/:commit/approve`,
    decision((asked, commit) => operations.approveRemovals(asked, commit)),
  );
  router.post(
    `${OPERATIONS}/removals/:commit/put-back`,
    decision((asked, commit) => operations.putBackRemovals(asked, commit)),
  );
  return router;
}

/** Empty on the routes that are about no commit. */
function commitOf(request: Request): string {
  const commit = request.params['commit'];
  if (commit === undefined) return '';
  if (typeof commit === 'string' && COMMIT_ID.test(commit)) return commit;
  throw new AppError('NOT_FOUND', 'There is no such commit.');
}
