import type { ProjectDocument } from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { ProjectAction } from '../../contract/status.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { existingProject, instant, projectEdits } from './document-edit.js';
import { withoutFormerEnv } from './former-env.js';

type Spec = ProjectDocument['spec'];
/** The spec after the action; the same one where it is so already. */
type Transition = (spec: Spec, name: string, at: Date) => Spec;

const notAllowed = (message: string): never => {
  throw new AppError('ACTION_NOT_ALLOWED', message);
};

const refuseDeleted = (spec: Spec, name: string): void => {
  if (spec.state === 'Deleted') notAllowed(`${name} is deleted. Restore it first.`);
};

/** By desired state, not by what runs at the moment: intent is what is decided here. */
const transitions: Readonly<Record<ProjectAction, Transition>> = {
  start: (spec, name) => {
    refuseDeleted(spec, name);
    return { ...spec, state: 'Running' };
  },
  stop: (spec, name) => {
    refuseDeleted(spec, name);
    return { ...withoutFormerEnv(spec), state: 'Stopped' };
  },
  restart: (spec, name, at) => {
    refuseDeleted(spec, name);
    if (spec.state === 'Stopped') notAllowed(`${name} is stopped. Start it instead.`);
    return { ...spec, restartedAt: instant(at) };
  },
  delete: (spec, _name, at) =>
    spec.state === 'Deleted' ? spec : { ...withoutFormerEnv(spec), state: 'Deleted', deletedAt: instant(at) },
  restore: (spec, name) => {
    if (spec.state !== 'Deleted') notAllowed(`${name} is not deleted.`);
    if (spec.purge !== undefined) notAllowed(`${name} is being removed for ever. It cannot be restored.`);
    const restored: Spec = { ...spec, state: 'Running' };
    delete restored.deletedAt;
    return restored;
  },
};

export interface StateChange {
  readonly key: ProjectKey;
  readonly action: ProjectAction;
  readonly at: Date;
}

/** Nothing where the project is wanted so already. Throws NOT_FOUND, ACTION_NOT_ALLOWED. */
export function setState(view: IntentView, { key, action, at }: StateChange): readonly Edit[] {
  const { document } = existingProject(view, key);
  return projectEdits(
    { ...document, spec: transitions[action](document.spec, key.name, at) },
    { before: document },
  );
}
