import express, { Router, type Express, type RequestHandler } from 'express';
import type { ApiDeps } from './deps.js';
import { notFound, problemHandler } from './problems.js';
import { assignRequestId, requireToken } from './request.js';
import { agentRoutes } from './routes/agent.js';
import { appRoutes } from './routes/apps.js';
import { buildRoutes } from './routes/builds.js';
import { databaseBackupRoutes } from './routes/database-backups.js';
import { eventRoutes } from './routes/events.js';
import { gitRoutes } from './routes/git.js';
import { fileRoutes } from './routes/files.js';
import { shellRoutes } from './routes/shells.js';
import { installationRoutes } from './routes/installation.js';
import { operationRoutes } from './routes/operations.js';
import { projectPartRoutes } from './routes/project-parts.js';
import { projectRoutes } from './routes/projects.js';
import { remoteRoutes } from './routes/remote.js';
import { sshRoutes } from './routes/ssh.js';
import { terminalRoutes } from './routes/terminal.js';
import { webhookRoutes } from './routes/webhooks.js';
import { releaseRoutes } from './routes/release.js';

const BODY_LIMIT = '2mb';

/** The controller's internal API. Nothing under /v1 is answered without a token; the rest says nothing of anybody. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(assignRequestId, countRequests(deps));
  app.use(serviceRoutes(deps), gitRoutes(deps), webhookRoutes(deps));
  app.use('/v1', requireToken(deps), express.json({ limit: BODY_LIMIT }));
  app.use(installationRoutes(deps), operationRoutes(deps), agentRoutes(deps), remoteRoutes(deps));
  app.use(appRoutes(deps));
  app.use(projectRoutes(deps), projectPartRoutes(deps), releaseRoutes(deps), databaseBackupRoutes(deps));
  app.use(buildRoutes(deps), fileRoutes(deps), shellRoutes(deps), terminalRoutes(deps));
  app.use(sshRoutes(deps), eventRoutes(deps));
  app.use(notFound);
  app.use(problemHandler(deps.log));
  return app;
}

function serviceRoutes({ metrics, intent }: ApiDeps): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  /** Ready once the documents can be read; a cluster that is down makes status stale, not the API unready. */
  router.get('/readyz', (_request, response) => {
    intent.platform();
    response.type('text/plain').send('ok\n');
  });
  router.get('/metrics', async (_request, response) => {
    const { type, text } = await metrics.scrape();
    response.type(type).send(text);
  });
  return router;
}

/** By route template, never by path: a label for every project would be a label for every person. */
function countRequests({ metrics }: ApiDeps): RequestHandler {
  return (request, response, next) => {
    response.on('finish', () => {
      const route = request.route as { path?: unknown } | undefined;
      const template = typeof route?.path === 'string' ? route.path : 'none';
      metrics.requests.inc({ method: request.method, route: template, status: String(response.statusCode) });
    });
    next();
  };
}
