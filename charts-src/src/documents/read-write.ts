import type { z } from 'zod';
import { documentIssues } from './issues.js';
import { platformSchema, type PlatformDocument } from './platform.js';
import { projectSchema, type ProjectDocument } from './project.js';
import { tenantSchema, type TenantDocument } from './tenant.js';
import { DocumentError } from '../errors.js';
import { fromYaml, MAX_TEXT, TOO_LONG, toYaml } from '../yaml.js';

/** Text to document; throws {@link DocumentError} that names each field that is wrong, unknown ones too. */
export const readPlatform = (text: string): PlatformDocument => read(platformSchema, text);
export const readTenant = (text: string): TenantDocument => read(tenantSchema, text);
export const readProject = (text: string): ProjectDocument => read(projectSchema, text);

/**
 * Document to text, in the order of the schema, so that a change of one field is a change of one line. Reading it back
 * gives the same document; one that would not read back is refused.
 */
export function writeDocument(document: PlatformDocument | TenantDocument | ProjectDocument): string {
  const schema = { Platform: platformSchema, Tenant: tenantSchema, Project: projectSchema }[document.kind];
  const text = toYaml(validated<unknown>(schema, document));
  // Values within their limits can still be too long when they are written down: a control character becomes four.
  if (text.length > MAX_TEXT) throw new DocumentError([{ field: '', message: TOO_LONG }]);
  return text;
}

const read = <T>(schema: z.ZodType<T>, text: string): T => validated(schema, fromYaml(text));

function validated<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new DocumentError(documentIssues(result.error));
}
