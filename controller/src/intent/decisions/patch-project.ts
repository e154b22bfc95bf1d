import type { Agent, ProjectDocument } from '@fullstackagent/charts';
import type { PatchProjectInput } from '../../contract/projects.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { databaseOf, presetOf } from './create-project.js';
import { changeableProject } from './document-edit.js';
import { formEdits, type FormBase } from './form-change.js';

/** What is left out stays. Throws NOT_FOUND, ACTION_NOT_ALLOWED (deleted), STALE_VERSION, VALIDATION_FAILED. */
export function patchProject(
  view: IntentView,
  key: ProjectKey,
  { input, base }: { input: PatchProjectInput; base?: FormBase | undefined },
): readonly Edit[] {
  const standing = changeableProject(view, key);
  // A database that is there is there, whatever size somebody gave it meanwhile.
  const wanted = { ...input };
  if (standing.document.spec.database !== undefined) delete wanted.database;
  return formEdits(standing, {
    base,
    edit: (document) => ({ ...document, spec: patched(view, document.spec, wanted) }),
  });
}

type Spec = ProjectDocument['spec'];

const terminalWith = ({ sealedToken }: Spec['terminal'], agent: Agent | null): Spec['terminal'] =>
  agent === null ? { sealedToken } : { sealedToken, agent };

function patched(view: IntentView, spec: Spec, input: PatchProjectInput): Spec {
  const { spec: platform } = view.platform().document;
  const next: Spec = { ...spec };
  if (input.displayName !== undefined) next.displayName = input.displayName.trim();
  const description = (input.description === undefined ? spec.description : input.description)?.trim() ?? '';
  if (description === '') delete next.description;
  else next.description = description;
  if (input.preset !== undefined)
    next.sandbox = { ...spec.sandbox, preset: presetOf(platform.sandbox, input.preset, 'preset') };
  if (input.agent !== undefined) next.terminal = terminalWith(spec.terminal, input.agent);
  const database = spec.database ?? databaseOf(platform, input.database);
  if (database !== undefined) next.database = database;
  return next;
}
