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
        env: input.variables.map((variable, index) => stored(document, variable, { index, sealed })),
      },
    });
    return formEdits(standing, { base, edit, fields: FIELDS });
  };
}

interface Sealing {
  readonly index: number;
  readonly sealed: (plaintext: string) => string;
}

function stored(
  { spec }: ProjectDocument,
  variable: VariableInput,
  { index, sealed }: Sealing,
): ProjectVariable {
  if (!('unchanged' in variable)) {
    const { name, value, secret } = variable;
    return secret === true ? { name, sealed: sealed(value) } : { name, value };
  }
  const before = spec.env.find(({ name }) => name === variable.name);
  if (before !== undefined && 'sealed' in before) return before;
  return refuseField(
    `variables.${index}.value`,
    `There is no secret ${variable.name} whose value could stay. Give it one.`,
  );
}
