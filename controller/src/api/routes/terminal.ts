import { Router } from 'express';
import type { ApiDeps } from '../deps.js';
import { projectOf } from '../request.js';

/** Whether the acting person may use the project's terminals: refused in the same words as an upgrade would be. */
export function terminalRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get('/v1/tenants/:namespace/projects/:id/terminal', (request, response) => {
    projectOf(deps, { request, response, need: 'change' });
    response.json({});
  });
  return router;
}
