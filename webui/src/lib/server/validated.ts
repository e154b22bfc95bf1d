import { AppError, type FieldError } from '@fullstackagent/controller/contract';
import type { z } from 'zod';

/** `input` as the schema reads it. Throws VALIDATION_FAILED with a message beside each field. */
export function validated<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const errors = firstOfEach(result.error.issues.flatMap(fieldErrors));
  throw new AppError('VALIDATION_FAILED', errors[0]?.message ?? 'Something in the form is not right.', {
    errors,
  });
}

/** An empty field breaks several rules at once; one sentence beside it is enough. */
function firstOfEach(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter(({ field }) => !seen.has(field) && seen.add(field));
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'There is no such field.' }));
  return [{ field: path.join('.'), message: issue.message }];
}
