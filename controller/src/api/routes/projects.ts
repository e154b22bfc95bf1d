import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { AppError } from '../../contract/errors.js';
import {
  createProjectInput,
  patchProjectInput,
  type ChangeDto,
  type ProjectDto,
} from '../../contract/projects.js';
import type { ProjectAction } from '../../contract/status.js';
import type { Accepted, ProjectKey } from '../../model/intent.js';
import type { ApiDeps } from '../deps.js';
import { bodyOf, contextOf, namespaceOf, projectOf, queryOf } from '../request.js';

const PROJECTS = '/v1/tenants/:namespace/projects';
const PROJECT = `${PROJECTS}/:id`;

export function projectRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(PROJECTS, (request, response) => {
    const namespace = namespaceOf(deps, { request, response, need: 'read' });
    response.json({ projects: deps.board.projects(namespace) });
  });
  router.post(PROJECTS, async (request, response) => {
    const namespace = namespaceOf(deps, { request, response, need: 'change' });
    const input = bodyOf(createProjectInput, request);
    const accepted = await timed(deps, 'create', () =>
      deps.changes.create(contextOf(response), { namespace, input }),
    );
    response.status(201).json(changeDto(deps, accepted.key, accepted));
  });
  router.get(PROJECT, (request, response) => {
    response.json(shown(deps, projectOf(deps, { request, response, need: 'read' })));
  });
  router.patch(PROJECT, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(patchProjectInput, request);
    const accepted = await timed(deps, 'update', () =>
      deps.changes.patch(contextOf(response), { key, input }),
    );
    response.json(changeDto(deps, key, accepted));
  });
  router.delete(PROJECT, (request, response) =>
    request.query['purge'] === undefined
      ? act(deps, { request, response, action: 'delete' })
      : purge(deps, { request, response }),
  );
  for (const action of ['start', 'stop', 'restart', 'restore'] as const)
    router.post(`${PROJECT}/${action}`, (request, response) => act(deps, { request, response, action }));
  return router;
}

async function act(
  deps: ApiDeps,
  call: { request: Request; response: Response; action: ProjectAction },
): Promise<void> {
  const { response, action } = call;
  const key = projectOf(deps, { ...call, need: 'change' });
  refuseImpossible(shown(deps, key), action);
  const accepted = await timed(deps, action, () => deps.changes.act(contextOf(response), { key, action }));
  response.status(202).json(changeDto(deps, key, accepted));
}

const purgeQuery = z.strictObject({
  purge: z.literal('now', 'Write purge=now, or leave it out.'),
  /** The project's name, typed by whoever asks. */
  confirm: z.string().optional(),
});

async function purge(deps: ApiDeps, call: { request: Request; response: Response }): Promise<void> {
  const key = projectOf(deps, { ...call, need: 'change' });
  const { confirm } = queryOf(purgeQuery, call.request);
  const accepted = await timed(deps, 'purge', () =>
    deps.changes.purge(contextOf(call.response), { key, confirm }),
  );
  call.response.status(202).json(changeDto(deps, key, accepted));
}

const wanted: Partial<Record<ProjectAction, ProjectDto['desiredState']>> = {
  start: 'Running',
  stop: 'Stopped',
  delete: 'Deleted',
};

/** Asking for what is wanted already changes nothing and is no mistake: a button pressed twice, a request repeated. */
function refuseImpossible(project: ProjectDto, action: ProjectAction): void {
  if (project.allowedActions.includes(action) || wanted[action] === project.desiredState) return;
  const possible = project.allowedActions.join(', ');
  throw new AppError(
    'ACTION_NOT_ALLOWED',
    `${project.displayName} is ${project.status}: possible now is ${possible}.`,
  );
}

/** Times a change from here to its durable commit. */
export async function timed<T>(deps: ApiDeps, action: string, change: () => Promise<T>): Promise<T> {
  const end = deps.metrics.accepted.startTimer({ action });
  const accepted = await change();
  end();
  return accepted;
}

export function changeDto(deps: ApiDeps, key: ProjectKey, { commit }: Accepted): ChangeDto {
  deps.board.touch(key);
  return { commit, project: shown(deps, key) };
}

export function shown(deps: ApiDeps, key: ProjectKey): ProjectDto {
  const project = deps.board.project(key);
  if (project === undefined) throw new AppError('NOT_FOUND', 'There is no such project.');
  return project;
}
