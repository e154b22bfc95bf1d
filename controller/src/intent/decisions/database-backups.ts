import type { ProjectDocument } from '@fullstackagent/charts';
import type { BackupScheduleInput } from '../../contract/backups.js';
import { AppError } from '../../contract/errors.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { changeableProject, instant, projectEdits } from './document-edit.js';

type Database = NonNullable<ProjectDocument['spec']['database']>;

const FIELDS = [
  ['spec.database.backup.schedule', 'schedule.cron'],
  ['spec.database.backup.keep.days', 'schedule.keepDays'],
] as const;

/** A new time is a new request. Throws NOT_FOUND, ACTION_NOT_ALLOWED. */
export const requestBackup = (view: IntentView, key: ProjectKey, at: Date): readonly Edit[] =>
  changed(view, key, (database) => ({ ...database, backupRequestedAt: instant(at) }));

/** Throws NOT_FOUND, ACTION_NOT_ALLOWED, VALIDATION_FAILED. */
export const requestRestore = (
  view: IntentView,
  key: ProjectKey,
  { backup, at }: { readonly backup: string; readonly at: Date },
): readonly Edit[] =>
  changed(view, key, (database) => ({ ...database, restore: { backup, requestedAt: instant(at) } }));

/** Throws NOT_FOUND, ACTION_NOT_ALLOWED (also where the platform offers none), VALIDATION_FAILED. */
export function setBackupSchedule(
  view: IntentView,
  key: ProjectKey,
  { schedule }: BackupScheduleInput,
): readonly Edit[] {
  if (schedule !== null && view.platform().document.spec.database.backup === undefined)
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      'This platform offers no scheduled backups. An operator adds spec.database.backup to platform.yaml.',
    );
  return changed(view, key, (database) => {
    const next = { ...database };
    if (schedule === null) delete next.backup;
    else next.backup = { schedule: schedule.cron, keep: { days: schedule.keepDays } };
    return next;
  });
}

function changed(
  view: IntentView,
  key: ProjectKey,
  change: (database: Database) => Database,
): readonly Edit[] {
  const { document } = changeableProject(view, key);
  const { database } = document.spec;
  if (database === undefined) throw new AppError('NOT_FOUND', `${key.name} has no database.`);
  return projectEdits(
    { ...document, spec: { ...document.spec, database: change(database) } },
    { before: document, fields: FIELDS },
  );
}
