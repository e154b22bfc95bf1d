import { Router } from 'express';
import type { AppDto } from '../../contract/apps.js';
import { AppError } from '../../contract/errors.js';
import { authorise } from '../auth.js';
import type { ApiDeps } from '../deps.js';
import { contextOf, pathParameter } from '../request.js';

/** An app and a release have a host each; the terminal and further ports say after a hyphen what they are. */
const LABEL = /^([a-z0-9]{12})(?:-[a-z0-9-]{1,50})?$/;

/** For the portal, which the ingress asks before it passes on a request to an app that is for members. */
export function appRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get('/v1/apps/:label', (request, response) => {
    const label = pathParameter(request, 'label');
    const host = LABEL.exec(label)?.[1];
    const key = host === undefined ? undefined : deps.intent.projectAt(host);
    const project = key === undefined ? undefined : deps.board.project(key);
    if (key === undefined || project === undefined)
      throw new AppError('NOT_FOUND', 'There is no app at this address.');
    authorise(deps.intent, contextOf(response).claims, { namespace: key.namespace, need: 'read' });
    const app: AppDto = {
      namespace: key.namespace,
      id: key.name,
      origin: siblingOf(project.urls.app, label),
    };
    response.json(app);
  });
  return router;
}

/** All addresses of an installation differ in their first label only. */
function siblingOf(address: string, label: string): string {
  const url = new URL(address);
  url.hostname = `${label}${url.hostname.slice(url.hostname.indexOf('.'))}`;
  return url.origin;
}
