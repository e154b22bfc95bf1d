import { Router } from 'express';
import type { ApiDeps } from '../deps.js';
import { projectOf } from '../request.js';

/** What an SSH client has to know before it connects: refused in the same words as a connection would be. */
export function sshRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get('/v1/tenants/:namespace/projects/:id/ssh', async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.json(await deps.ssh.offer(key));
  });
  return router;
}
