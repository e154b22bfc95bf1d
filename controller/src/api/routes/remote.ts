import { projectPath } from '@fullstackagent/charts';
import { Router, type Request, type Response } from 'express';
import { AppError } from '../../contract/errors.js';
import type { RemoteDto } from '../../contract/remote.js';
import type { ApiDeps } from '../deps.js';
import type { RemoteDesk } from '../remote.js';
import { contextOf, projectOf, requireOperator } from '../request.js';

const REMOTE = '/v1/remote';
const PROPOSALS = '/v1/proposals';
const OF_PROJECT = '/v1/tenants/:namespace/projects/:id/proposals';
const DECISIONS = ['accept', 'dismiss'] as const;

/** The repository somewhere else, and what was changed there that waits for a person here. */
export function remoteRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.use([REMOTE, PROPOSALS], (_request, response, next) => {
    requireOperator(response);
    next();
  });
  router.get(REMOTE, async (_request, response) => {
    response.json(await shown(deps.remote));
  });
  const command = (path: string, run: (desk: RemoteDesk) => Promise<void>): void => {
    router.post(`${REMOTE}/${path}`, async (_request, response) => {
      const { remote } = deps;
      if (remote === undefined)
        throw new AppError('ACTION_NOT_ALLOWED', 'There is no remote. GITOPS_REMOTE names one.');
      await run(remote);
      response.json(await remote.shown());
    });
  };
  command('sync', (remote) => remote.sync());
  command('accept-upstream', (remote) => remote.acceptUpstream());
  command('keep-rendered', (remote) => remote.keepRendered());
  return router.use(proposalRoutes(deps));
}

const shown = async (remote: RemoteDesk | undefined): Promise<RemoteDto> =>
  remote === undefined ? { configured: false } : remote.shown();

/** Operators decide about all of them, the people of a project about theirs. */
function proposalRoutes(deps: ApiDeps): Router {
  const router = Router();
  const { proposals } = deps;
  router.get(PROPOSALS, async (_request, response) => {
    response.json({ proposals: await proposals.list() });
  });
  router.get(OF_PROJECT, async (request, response) => {
    const { namespace, name } = projectOf(deps, { request, response, need: 'read' });
    const all = await proposals.list();
    response.json({
      proposals: all.filter(({ project }) => project?.namespace === namespace && project.id === name),
    });
  });
  for (const decision of DECISIONS) {
    router.post(`${PROPOSALS}/:proposal/${decision}`, async (request, response) => {
      const { commit } = await proposals[decision](contextOf(response), proposalId(request));
      response.status(202).json({ commit });
    });
    router.post(`${OF_PROJECT}/:proposal/${decision}`, async (request, response) => {
      await requireOwn(deps, request, response);
      const { commit } = await proposals[decision](contextOf(response), proposalId(request));
      response.status(202).json({ commit });
    });
  }
  return router;
}

/** Throws NOT_FOUND for a proposal about anything but the project of the path. */
async function requireOwn(deps: ApiDeps, request: Request, response: Response): Promise<void> {
  const { namespace, name } = projectOf(deps, { request, response, need: 'change' });
  if ((await deps.proposals.pathOf(proposalId(request))) === projectPath(namespace, name)) return;
  throw new AppError('NOT_FOUND', 'There is no such proposal, or somebody has decided about it.');
}

function proposalId(request: Request): string {
  const id = request.params['proposal'];
  return typeof id === 'string' ? id : '';
}
