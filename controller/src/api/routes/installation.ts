import { Router } from 'express';
import { z } from 'zod';
import { namespaceName, singleLine } from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { PlatformDto } from '../../contract/projects.js';
import type { ApiDeps } from '../deps.js';
import { bodyOf, contextOf } from '../request.js';
import { timed } from './projects.js';

const tenantInput = z.strictObject({ displayName: singleLine(64, 'The display name') });

export function installationRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get('/v1/platform', async (_request, response) => {
    response.json(await platformDto(deps));
  });
  /** The acting person becomes the owner of a namespace that is not there yet; asking again changes nothing. */
  router.put('/v1/tenants/:namespace', async (request, response) => {
    const context = contextOf(response);
    const namespace = namespaceName.safeParse(request.params['namespace']);
    if (!namespace.success)
      throw new AppError('NOT_FOUND', namespace.error.issues[0]?.message ?? 'Not a namespace.');
    const { displayName } = bodyOf(tenantInput, request);
    const tenant = deps.intent.tenant(namespace.data);
    if (tenant === undefined) {
      const tenantToBe = { namespace: namespace.data, displayName };
      const { commit } = await timed(deps, 'create-tenant', () =>
        deps.changes.createTenant(context, tenantToBe),
      );
      response.json({ commit });
      return;
    }
    if (!tenant.document.spec.members.some(({ user }) => user === context.claims.sub))
      throw new AppError('FORBIDDEN', 'This namespace belongs to somebody else.');
    response.json({});
  });
  return router;
}

async function platformDto({ intent, machine }: ApiDeps): Promise<PlatformDto> {
  const { exposure, sandbox, database, retention } = intent.platform().document.spec;
  return {
    domain: exposure.domain,
    presets: Object.entries(sandbox.presets).map(([name, { cpu, memory }]) => ({ name, cpu, memory })),
    defaultPreset: sandbox.defaultPreset,
    defaultAgent: sandbox.agent ?? 'claude',
    databaseVersions: Object.keys(database.serviceVersions),
    deletedDays: retention.deletedDays,
    ...(await machine()),
  };
}
