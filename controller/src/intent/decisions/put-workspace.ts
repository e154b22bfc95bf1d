import type { ProjectDocument, Workspace } from '@fullstackagent/charts';
import type { PutWorkspaceInput } from '../../contract/workspace.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { changeableProject } from './document-edit.js';
import { formEdits, type FormBase } from './form-change.js';

/**
 * What the workspace begins with, anew as a whole. Throws NOT_FOUND, ACTION_NOT_ALLOWED (deleted), STALE_VERSION,
 * VALIDATION_FAILED (`workspace.…`).
 */
export function putWorkspace(
  view: IntentView,
  key: ProjectKey,
  { input, base }: { readonly input: PutWorkspaceInput; readonly base?: FormBase | undefined },
): readonly Edit[] {
  return formEdits(changeableProject(view, key), {
    base,
    edit: (document) => ({ ...document, spec: specWith(document.spec, input.workspace) }),
  });
}

function specWith(spec: ProjectDocument['spec'], workspace: Workspace): ProjectDocument['spec'] {
  const next = { ...spec };
  delete next.workspace;
  return { ...next, ...workspaceField(workspace) };
}

/** Nothing where nothing is said: a document has no empty maps. */
export function workspaceField(workspace: Workspace | undefined): { readonly workspace?: Workspace } {
  const { repository, systemPrompt, git } = workspace ?? {};
  const said: Workspace = {
    ...(repository === undefined ? {} : { repository }),
    // Line ends as a browser or another system sends them are made into plain ones.
    ...(systemPrompt === undefined ? {} : { systemPrompt: systemPrompt.replaceAll('\r\n', '\n') }),
    ...(git?.name === undefined && git?.email === undefined ? {} : { git }),
  };
  return Object.keys(said).length === 0 ? {} : { workspace: said };
}
