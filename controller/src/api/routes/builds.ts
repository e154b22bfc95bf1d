import { Router, type Response } from 'express';
import { buildInput, type BuildDto, type BuildEvent } from '../../contract/build.js';
import { AppError } from '../../contract/errors.js';
import type { ProjectKey } from '../../model/intent.js';
import { isAllowed } from '../auth.js';
import type { ApiDeps } from '../deps.js';
import { openEventStream } from '../event-stream.js';
import { bodyOf, contextOf, projectOf } from '../request.js';

const BUILD = '/v1/tenants/:namespace/projects/:id/release/build';
/** Long-term support, and with the small Debian that native modules are built for. */
const NODE_IMAGE = 'docker.io/library/node:22-bookworm-slim';

/** Images of workspaces. Nothing is recorded by any of these: a release names what was built. */
export function buildRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.post(BUILD, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.status(202).json(await start(deps, { key, response, input: bodyOf(buildInput, request) }));
  });
  // What a build prints may be anything that a workspace knows: it is for those who could print it themselves.
  router.get(BUILD, (request, response) => {
    response.json(deps.builds.state(projectOf(deps, { request, response, need: 'change' })));
  });
  router.delete(BUILD, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.json(await deps.builds.cancel(key));
  });
  router.get(`${BUILD}/events`, (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const stream = openEventStream<BuildEvent>(deps, response);
    const { claims } = contextOf(response);
    stream.send({ type: 'snapshot', ...deps.builds.state(key) });
    const unsubscribe = deps.builds.subscribe(key, (event) => {
      // Asked anew for every event: who may no longer change the project hears nothing more of it.
      if (isAllowed(deps.intent, claims, { namespace: key.namespace, need: 'change' })) stream.send(event);
      else response.end();
    });
    stream.onEnd(unsubscribe);
  });
  return router;
}

interface Asked {
  readonly key: ProjectKey;
  readonly response: Response;
  readonly input: { readonly command?: string | undefined };
}

async function start(deps: ApiDeps, { key, response, input }: Asked): Promise<BuildDto> {
  const { build } = deps.intent.platform().document.spec.release ?? {};
  if (!deps.buildsOffered || build === undefined)
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      deps.buildsOffered
        ? 'Nothing here builds images of workspaces. An operator turns it on in platform.yaml (spec.release.build).'
        : 'On this machine a workspace is released as a snapshot: nothing here builds or runs an image.',
    );
  const command = input.command ?? (await deps.snapshots.startCommand(key)).command;
  const { nodeImage = NODE_IMAGE, repository } = build;
  const started = deps.builds.start(key, {
    repository: `${repository}${key.namespace}/${key.name}`,
    nodeImage,
    command,
  });
  const { claims, requestId } = contextOf(response);
  deps.log.info({ audit: 'image-build', user: claims.sub, ...key, build: started.id, requestId }, 'audit');
  return started;
}
