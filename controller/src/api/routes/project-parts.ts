import { Router, type Response } from 'express';
import { z } from 'zod';
import type { DriftDto } from '../../contract/drift.js';
import { AppError } from '../../contract/errors.js';
import { planInput, type PlanDto, type PlanInput, type ReleasePlanInput } from '../../contract/plan.js';
import { putEnvironmentInput, type CommitDto, type HistoryDto } from '../../contract/projects.js';
import { putWorkspaceInput, type CloneDto } from '../../contract/workspace.js';
import type { IntentCommit, ProjectKey } from '../../model/intent.js';
import { isAllowed } from '../auth.js';
import { cloneDto } from '../clone-dto.js';
import { environmentDto, workspaceDto } from '../project-dto.js';
import type { ApiDeps } from '../deps.js';
import { bodyOf, contextOf, projectOf, queryOf } from '../request.js';
import { changeDto, timed } from './projects.js';

const PROJECT = '/v1/tenants/:namespace/projects/:id';

const historyQuery = z.object({
  before: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'A commit id is forty characters of 0-9 and a-f.')
    .optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export function projectPartRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(`${PROJECT}/environment`, (request, response) => {
    response.json(environmentDto(documentOf(deps, projectOf(deps, { request, response, need: 'read' }))));
  });
  router.put(`${PROJECT}/environment`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(putEnvironmentInput, request);
    const accepted = await timed(deps, 'environment', () =>
      deps.changes.putEnvironment(contextOf(response), { key, input }),
    );
    response.json(changeDto(deps, key, accepted));
  });
  router.get(`${PROJECT}/workspace`, (request, response) => {
    response.json(workspaceDto(documentOf(deps, projectOf(deps, { request, response, need: 'read' }))));
  });
  router.put(`${PROJECT}/workspace`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(putWorkspaceInput, request);
    const accepted = await timed(deps, 'workspace', () =>
      deps.changes.putWorkspace(contextOf(response), { key, input }),
    );
    response.json(changeDto(deps, key, accepted));
  });
  router.get(`${PROJECT}/workspace/clone`, async (request, response) => {
    response.json(await clone(deps, projectOf(deps, { request, response, need: 'read' }), response));
  });
  router.post(`${PROJECT}/plan`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.json(await plan(deps, key, bodyOf(planInput, request)));
  });
  router.get(`${PROJECT}/history`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'read' });
    response.json(await history(deps, key, queryOf(historyQuery, request)));
  });
  router.get(`${PROJECT}/manifests`, async (request, response) => {
    response.json(await deps.rendered.manifests(projectOf(deps, { request, response, need: 'read' })));
  });
  router.get(`${PROJECT}/drift`, async (request, response) => {
    response.json(await drift(deps, projectOf(deps, { request, response, need: 'read' })));
  });
  router.get(`${PROJECT}/disk`, async (request, response) => {
    response.json(await deps.disk.of(projectOf(deps, { request, response, need: 'read' })));
  });
  router.get(`${PROJECT}/database`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'read' });
    requireDatabase(deps, key);
    response.json(await deps.database.describe(key));
  });
  router.post(`${PROJECT}/database/reveal`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    requireDatabase(deps, key);
    const revealed = await deps.database.reveal(key);
    const { claims, requestId } = contextOf(response);
    deps.log.info({ audit: 'database-password-revealed', user: claims.sub, ...key, requestId }, 'audit');
    response.setHeader('Cache-Control', 'no-store').json(revealed);
  });
  return router;
}

function documentOf(deps: ApiDeps, key: ProjectKey): NonNullable<ReturnType<ApiDeps['intent']['project']>> {
  const project = deps.intent.project(key);
  if (project === undefined) throw new AppError('NOT_FOUND', 'There is no such project.');
  return project;
}

/** Who named no repository waits for none: the sandbox is not asked. */
async function clone(deps: ApiDeps, key: ProjectKey, response: Response): Promise<CloneDto> {
  if (documentOf(deps, key).document.spec.workspace?.repository === undefined) return { state: 'settled' };
  const found = await deps.clone.of(key);
  const { claims } = contextOf(response);
  return cloneDto(found, isAllowed(deps.intent, claims, { namespace: key.namespace, need: 'change' }));
}

const isAboutRelease = (input: PlanInput): input is ReleasePlanInput =>
  'release' in input || 'rollBack' in input || 'takeDown' in input;

async function plan(deps: ApiDeps, key: ProjectKey, input: PlanInput): Promise<PlanDto> {
  const { edits, ...drawn } = isAboutRelease(input)
    ? await deps.releases.plan({ key, input })
    : { edits: await deps.changes.plan({ key, input }) };
  return { version: documentOf(deps, key).version, ...drawn, ...(await deps.preview(edits)) };
}

async function drift(deps: ApiDeps, key: ProjectKey): Promise<DriftDto> {
  const { commit, files } = await deps.rendered.manifests(key);
  const objects = await deps.drift(
    key,
    files.map(({ content }) => content),
  );
  return { commit, applied: deps.board.isApplied(key), compared: files.length, objects };
}

function requireDatabase(deps: ApiDeps, key: ProjectKey): void {
  if (documentOf(deps, key).document.spec.database === undefined)
    throw new AppError('NOT_FOUND', 'This project has no database.');
}

/** One commit more than asked for is read, to know whether there is a next page. */
async function history(
  deps: ApiDeps,
  key: ProjectKey,
  page: { before?: string | undefined; limit: number },
): Promise<HistoryDto> {
  const found = await deps.intent.history(key, {
    limit: page.limit + 1,
    ...(page.before === undefined ? {} : { before: page.before }),
  });
  const commits = found.slice(0, page.limit).map((commit) => commitDto(deps, commit));
  const last = commits.at(-1);
  return { commits, ...(found.length > page.limit && last !== undefined ? { next: last.commit } : {}) };
}

function commitDto(deps: ApiDeps, { commit, at, author, subject, action }: IntentCommit): CommitDto {
  const renderedCommit = deps.rendered.renderedFrom(commit);
  return {
    commit,
    at: at.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    author: author.name,
    subject,
    ...(action === undefined ? {} : { action }),
    ...(renderedCommit === undefined ? {} : { renderedCommit }),
  };
}
