import { Router, type Request, type Response } from 'express';
import {
  releaseInput,
  rollBackInput,
  snapshotInput,
  SNAPSHOT_REGISTRY,
  type ReleaseCommitDto,
  type ReleaseOffer,
  type ReleaseStateDto,
} from '../../contract/release.js';
import { AppError } from '../../contract/errors.js';
import type { ProjectKey } from '../../model/intent.js';
import { variablesDto } from '../project-dto.js';
import type { ApiDeps, ReleaseHistory } from '../deps.js';
import { bodyOf, contextOf, projectOf } from '../request.js';
import { changeDto, shown, timed } from './projects.js';

const RELEASE = '/v1/tenants/:namespace/projects/:id/release';
const APP_PORT = 3000;

interface Call {
  readonly request: Request;
  readonly response: Response;
}

export function releaseRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(RELEASE, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'read' });
    response.json(await stateOf(deps, key));
  });
  router.post(RELEASE, (request, response) => release(deps, { request, response }));
  router.delete(RELEASE, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const accepted = await timed(deps, 'release-down', () =>
      deps.releases.takeDown(contextOf(response), key),
    );
    response.status(202).json(changeDto(deps, key, accepted));
  });
  router.post(`${RELEASE}/rollback`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(rollBackInput, request);
    const accepted = await timed(deps, 'release-rollback', () =>
      deps.releases.rollBack(contextOf(response), { key, input }),
    );
    response.status(202).json(changeDto(deps, key, accepted));
  });
  router.get(`${RELEASE}/start-command`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.json(await deps.snapshots.startCommand(key));
  });
  router.post(`${RELEASE}/snapshot`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(snapshotInput, request);
    requireSnapshots(deps);
    response.status(201).json(await deps.snapshots.take(key, input));
  });
  return router;
}

/** With `snapshot` that is taken first; what was taken and is not released then is kept for a while. */
async function release(deps: ApiDeps, { request, response }: Call): Promise<void> {
  const key = projectOf(deps, { request, response, need: 'change' });
  const { snapshot, ...input } = bodyOf(releaseInput, request);
  if (snapshot !== undefined) {
    if (input.image !== undefined)
      throw new AppError('VALIDATION_FAILED', 'Either an image or a snapshot: not both.', {
        errors: [{ field: 'snapshot', message: 'Either an image or a snapshot: not both.' }],
      });
    requireSnapshots(deps);
    input.image = (await deps.snapshots.take(key, snapshot)).image;
  }
  const accepted = await timed(deps, 'release', () =>
    deps.releases.release(contextOf(response), { key, input }),
  );
  response.status(202).json(changeDto(deps, key, accepted));
}

const registriesOf = ({ intent }: ApiDeps): readonly string[] =>
  intent.platform().document.spec.release?.registries ?? [];

function requireSnapshots(deps: ApiDeps): void {
  if (!deps.snapshots.offered)
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      offerOf(deps).build === undefined
        ? 'On this cluster a workspace cannot be released as it is: nothing here builds an image of it. Build one elsewhere, push it to an allowed registry, and name it by its digest.'
        : 'On this cluster a workspace cannot be released as it is. Build an image of it first, and release that.',
    );
  if (!registriesOf(deps).includes(SNAPSHOT_REGISTRY))
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      `This platform does not allow snapshots as releases. An operator adds "${SNAPSHOT_REGISTRY}" to spec.release.registries in platform.yaml.`,
    );
}

function offerOf(deps: ApiDeps): ReleaseOffer {
  const { exposure, release } = deps.intent.platform().document.spec;
  const registries = release?.registries ?? [];
  const repository = deps.buildsOffered ? release?.build?.repository : undefined;
  return {
    registries,
    snapshots: deps.snapshots.offered && registries.includes(SNAPSHOT_REGISTRY),
    ...(repository === undefined ? {} : { build: { repository } }),
    membersOnly: exposure.forwardAuth !== undefined,
  };
}

async function stateOf(deps: ApiDeps, key: ProjectKey): Promise<ReleaseStateDto> {
  const project = deps.intent.project(key);
  if (project === undefined) throw new AppError('NOT_FOUND', 'There is no such project.');
  const { release } = project.document.spec;
  const url = shown(deps, key).release?.url;
  return {
    offer: offerOf(deps),
    ...(release === undefined || url === undefined
      ? {}
      : {
          release: {
            image: release.image,
            replicas: release.replicas,
            ...(release.maxReplicas === undefined ? {} : { maxReplicas: release.maxReplicas }),
            variables: variablesDto(release.env),
            preset: release.preset,
            port: release.port ?? APP_PORT,
            database: release.database === true,
            visibility: release.visibility ?? 'public',
            url,
          },
        }),
    history: historyDto(await deps.releases.history(key)),
    version: project.version,
  };
}

const historyDto = (commits: ReleaseHistory): ReleaseCommitDto[] =>
  commits.map(({ commit, at, author, subject, release }, index) => ({
    commit,
    at: at.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    author: author.name,
    subject,
    ...(release === undefined
      ? {}
      : {
          image: release.image,
          replicas: release.replicas,
          visibility: release.visibility ?? 'public',
        }),
    current: index === 0 && release !== undefined,
  }));
