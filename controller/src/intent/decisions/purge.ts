import { projectPath, type ProjectDocument } from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { existingProject, instant, projectEdits } from './document-edit.js';
import { withoutFormerEnv } from './former-env.js';

/**
 * Now and for ever, deleted before or not. The first of three commits; the others follow by themselves
 * ({@link advancePurge}). Nothing where it is on its way already. Throws NOT_FOUND.
 */
export function purgeProject(view: IntentView, key: ProjectKey, at: Date): readonly Edit[] {
  const { document } = existingProject(view, key);
  if (document.spec.purge !== undefined) return [];
  const deletedAt = document.spec.deletedAt ?? instant(at);
  const spec: ProjectDocument['spec'] = {
    ...withoutFormerEnv(document.spec),
    state: 'Deleted',
    deletedAt,
    purge: 'Unprotect',
  };
  return projectEdits({ ...document, spec }, { before: document });
}

/** The step after `from`: the objects go, then the document. Nothing where it is not at `from` (any more). */
export function advancePurge(
  view: IntentView,
  key: ProjectKey,
  from: NonNullable<ProjectDocument['spec']['purge']>,
): readonly Edit[] {
  const project = view.project(key);
  if (project?.document.spec.purge !== from) return [];
  const { document } = project;
  if (from === 'Remove') return [{ path: projectPath(key.namespace, key.name), content: null }];
  return projectEdits({ ...document, spec: { ...document.spec, purge: 'Remove' } }, { before: document });
}

/** Throws VALIDATION_FAILED where the name that was typed is not the project's. */
export function requireConfirmation(key: ProjectKey, typed: string | undefined): void {
  if (typed === key.name) return;
  const message = `Type ${key.name} to confirm: the workspace, the database and its backups go for ever.`;
  throw new AppError('VALIDATION_FAILED', message, { errors: [{ field: 'confirm', message }] });
}
