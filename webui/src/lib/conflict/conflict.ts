import type { Conflict, FieldDifference, FieldValue } from '@fullstackagent/controller/contract';
import type { Failure } from '../api.js';

/** Whose value a field takes. */
export type Side = 'theirs' | 'yours';
export type Choices = ReadonlyMap<string, Side>;

/** What a save that was made from an older version disagrees about; undefined where it failed otherwise. */
export const conflictOf = (failure: Failure | undefined): Conflict | undefined =>
  failure?.kind === 'problem' ? failure.problem.conflict : undefined;

/** A choice that was made before stands, where the question is asked again; theirs is what stands already. */
export const choicesFor = (conflict: Conflict, before?: Choices): Map<string, Side> =>
  new Map(conflict.fields.map(({ field }) => [field, before?.get(field) ?? 'theirs']));

const LABELS: Readonly<Record<string, string>> = {
  '': 'The whole document',
  displayName: 'Display name',
  description: 'Description',
  preset: 'Size',
  agent: 'Claude Code',
  database: 'Database',
  workspace: 'What the workspace begins with',
  'workspace.repository': 'Repository',
  'workspace.systemPrompt': 'System prompt',
  'workspace.git': 'Git identity',
  'workspace.git.name': 'Git name',
  'workspace.git.email': 'Git e-mail',
  state: 'State',
};

const VARIABLE = 'variables.';

/** The name of a variable, for a field that is one. */
export const variableIn = (field: string): string | undefined =>
  field.startsWith(VARIABLE) ? field.slice(VARIABLE.length) : undefined;

export function fieldLabel(field: string): string {
  const variable = variableIn(field);
  if (variable !== undefined) return `Variable ${variable}`;
  return Object.hasOwn(LABELS, field) ? (LABELS[field] ?? field) : field;
}

/** `literal`: shown as it is. Otherwise words about a value that is not there, or not to be seen. */
export function shownValue(
  value: FieldValue | null,
  side: keyof Pick<FieldDifference, 'base' | Side>,
): { readonly literal: boolean; readonly text: string } {
  if (value === null) return { literal: false, text: side === 'base' ? 'Not there yet' : 'Removed' };
  if (value.secret) return { literal: false, text: 'A secret value' };
  if (value.value === '') return { literal: false, text: 'Empty' };
  return { literal: true, text: String(value.value) };
}
