import { Router } from 'express';
import type { ShellsDto } from '../../contract/shells.js';
import type { ApiDeps } from '../deps.js';
import { contextOf, pathParameter, projectOf } from '../request.js';

const SHELLS = '/v1/tenants/:namespace/projects/:id/shells';

/** The shells that run in a sandbox, whether somebody has a terminal open or not. */
export function shellRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(SHELLS, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const shells: ShellsDto = { shells: await deps.shells.list(key) };
    response.json(shells);
  });
  router.delete(`${SHELLS}/:session`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const session = pathParameter(request, 'session');
    await deps.shells.end(key, session);
    const { claims, requestId } = contextOf(response);
    deps.log.info({ audit: 'shell-ended', user: claims.sub, ...key, session, requestId }, 'audit');
    response.status(204).end();
  });
  return router;
}
