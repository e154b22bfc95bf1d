import { Router } from 'express';
import { backupScheduleInput, restoreInput, type BackupsDto } from '../../contract/backups.js';
import { AppError } from '../../contract/errors.js';
import type { ProjectKey } from '../../model/intent.js';
import type { ApiDeps } from '../deps.js';
import { bodyOf, contextOf, projectOf } from '../request.js';
import { changeDto, timed } from './projects.js';

const DATABASE = '/v1/tenants/:namespace/projects/:id/database';

export function databaseBackupRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(`${DATABASE}/backups`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'read' });
    response.json(await stateOf(deps, key));
  });
  router.post(`${DATABASE}/backups`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    deps.backups.requireOffered();
    const accepted = await timed(deps, 'database-backup', () =>
      deps.backupChanges.backUp(contextOf(response), key),
    );
    response.status(202).json(changeDto(deps, key, accepted));
  });
  router.put(`${DATABASE}/backups`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(backupScheduleInput, request);
    const accepted = await timed(deps, 'database-schedule', () =>
      deps.backupChanges.schedule(contextOf(response), { key, input }),
    );
    response.json(changeDto(deps, key, accepted));
  });
  router.post(`${DATABASE}/restore`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const input = bodyOf(restoreInput, request);
    await deps.backups.requireRestorable(key, input.backup);
    const accepted = await timed(deps, 'database-restore', () =>
      deps.backupChanges.restore(contextOf(response), { key, input }),
    );
    response.status(202).json(changeDto(deps, key, accepted));
  });
  return router;
}

async function stateOf(deps: ApiDeps, key: ProjectKey): Promise<BackupsDto> {
  const database = deps.intent.project(key)?.document.spec.database;
  if (database === undefined) throw new AppError('NOT_FOUND', 'This project has no database.');
  const { backup } = database;
  return {
    onRequest: deps.backups.offered,
    scheduled: deps.intent.platform().document.spec.database.backup !== undefined,
    ...(backup === undefined ? {} : { schedule: { cron: backup.schedule, keepDays: backup.keep.days } }),
    backups: await deps.backups.list(key),
  };
}
