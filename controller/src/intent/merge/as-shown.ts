import { toYaml, type ProjectDocument } from '@fullstackagent/charts';
import type { FieldDifference, FieldValue } from '../../contract/conflict.js';
import type { FieldConflict } from '../../model/conflict.js';

const SECRET = '(secret)';

/** Fields of a document, as requests and forms name them. */
const REQUEST_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^spec\.env\./, 'variables.'],
  [/^spec\.release\.env\./, 'release.variables.'],
  [/^spec\.sandbox\.(preset|image|storage)$/, '$1'],
  [/^spec\.terminal\.(agent)$/, '$1'],
  [/^spec\./, ''],
];

export function fieldShown(field: string): string {
  const [pattern, name] = REQUEST_NAMES.find(([candidate]) => candidate.test(field)) ?? [/^/, ''];
  return field.replace(pattern, name);
}

/** `theirs` is what stands: for the person who asks, their own side is the one that is not written yet. */
export const differenceShown = ({ field, base, ours, theirs }: FieldConflict): FieldDifference => ({
  field: fieldShown(field),
  base: valueShown(base),
  theirs: valueShown(ours),
  yours: valueShown(theirs),
});

/** A document's value without what is sealed: ciphertext says nothing to a person, and is nobody's business. */
export function valueShown(value: unknown): FieldValue | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { secret: false, value };
  if (isVariable(value)) return 'sealed' in value ? { secret: true } : { secret: false, value: value.value };
  return { secret: false, value: toYaml(withoutSealed(value)).trimEnd() };
}

export const documentShown = (document: ProjectDocument): string => toYaml(withoutSealed(document));

const isVariable = (value: object): value is ProjectDocument['spec']['env'][number] =>
  'name' in value && ('sealed' in value || 'value' in value);

function withoutSealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      (name === 'sealed' || name === 'sealedToken') && typeof inner === 'string'
        ? SECRET
        : withoutSealed(inner),
    ]),
  );
}
