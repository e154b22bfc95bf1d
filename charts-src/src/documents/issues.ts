import type { z } from 'zod';
import type { DocumentIssue } from '../errors.js';

type SchemaIssue = z.core.$ZodIssue;

/** What the schema found, in words for a person. One issue a field: an empty name is empty, not also misspelt. */
export function documentIssues(error: z.ZodError): readonly DocumentIssue[] {
  const byField = new Map<string, DocumentIssue>();
  for (const issue of error.issues.flatMap((found) => flatten(found, [])))
    if (!byField.has(issue.field)) byField.set(issue.field, issue);
  return [...byField.values()];
}

function flatten(issue: SchemaIssue, above: readonly PropertyKey[]): DocumentIssue[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    // The schema names the object; a person looks for the field.
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        field: fieldOf([...path, key]),
        message: 'There is no such field.',
      }));
    case 'invalid_union':
      return (
        closest(issue.errors)?.flatMap((inner) => flatten(inner, path)) ?? [
          { field: fieldOf(path), message: issue.message },
        ]
      );
    case 'invalid_type':
      return [{ field: fieldOf(path), message: typeMessage(issue) }];
    default:
      return [{ field: fieldOf(path), message: issue.message }];
  }
}

const fieldOf = (path: readonly PropertyKey[]): string => path.map(String).join('.');

/** A value that fits no branch was meant for the one it misses by the least: a bad name in `{name, value}` is a bad name. */
function closest(branches: readonly (readonly SchemaIssue[])[]): readonly SchemaIssue[] | undefined {
  return [...branches].sort((a, b) => distance(a) - distance(b))[0];
}

/** A field that is missing or unknown says "another branch" more loudly than a value that is wrong. */
function distance(issues: readonly SchemaIssue[]): number {
  const isShape = ({ code }: SchemaIssue): boolean => code === 'unrecognized_keys' || code === 'invalid_type';
  return issues.reduce((sum, issue) => sum + (isShape(issue) ? 10 : 1), 0);
}

/** "Invalid input: expected string, received undefined" is how the library says it. */
function typeMessage({ message }: { readonly message: string }): string {
  if (message.endsWith('received undefined')) return 'This field is missing.';
  return message.replace(/^Invalid input: expected/, 'Expected').replace(/([^.])$/, '$1.');
}
