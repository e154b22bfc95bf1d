import type { ProjectDocument, ProjectVariable } from '@fullstackagent/charts';
import type { PutEnvironmentInput } from '../../contract/projects.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import type { Seal } from '../sealing.js';
import { changeableProject, refuseField, type FieldNames } from './document-edit.js';
import { formEdits, type FormBase } from './form-change.js';

const FIELDS: FieldNames = [['spec.env', 'variables']];

type VariableInput = PutEnvironmentInput['variables'][number];

/**
 * The whole list, anew. A secret that is named without a value keeps its ciphertext; one with a value is sealed.
 * Throws NOT_FOUND, ACTION_NOT_ALLOWED (deleted), STALE_VERSION, VALIDATION_FAILED (`variables.<n>.…`).
 */
export function putEnvironment(
  seal: Seal,
): (
  view: IntentView,
  key: ProjectKey,
  asked: { input: PutEnvironmentInput; base?: FormBase | undefined },
) => readonly Edit[] {
  return (view, key, { input, base }) => {
    const standing = changeableProject(view, key);
    const { certificate } = view.platform().document.spec.sealing;
    const sealed = (plaintext: string): string => seal({ certificate, namespace: key.namespace, plaintext });
    const edit = (document: ProjectDocument): ProjectDocument => ({
      ...document,
      spec: {
        ...document.spec,
        env: storedVariables(input.variables, { before: document.spec.env, field: 'variables', sealed }),
      },
    });
    return formEdits(standing, { base, edit, fields: FIELDS });
  };
}

export interface Sealing {
  readonly before: readonly ProjectVariable[];
  /** What the list is called in the request. */
  readonly field: string;
  readonly sealed: (plaintext: string) => string;
}

/** Throws VALIDATION_FAILED where a value is to stay that is not there. */
export function storedVariables(
  variables: readonly VariableInput[],
  { before, field, sealed }: Sealing,
): ProjectVariable[] {
  return variables.map((variable, index) => {
    if (!('unchanged' in variable)) {
      const { name, value, secret } = variable;
      return secret === true ? { name, sealed: sealed(value) } : { name, value };
    }
    const kept = before.find(({ name }) => name === variable.name);
    if (kept !== undefined && 'sealed' in kept) return kept;
    return refuseField(
      `${field}.${index}.value`,
      `There is no secret ${variable.name} whose value could stay. Give it one.`,
    );
  });
}
