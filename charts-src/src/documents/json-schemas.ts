import { z } from 'zod';
import { platformSchema } from './platform.js';
import { projectSchema } from './project.js';
import { tenantSchema } from './tenant.js';

export type DocumentKind = 'platform' | 'tenant' | 'project';

/**
 * The documents as JSON Schema, for editors and for a check of pull requests. Draft 7: what editors' YAML servers read.
 * A schema says less than the reader: rules between fields (a name that is there twice) are the reader's alone.
 */
export function jsonSchemas(): Readonly<Record<DocumentKind, object>> {
  return {
    platform: jsonSchema('Platform', platformSchema),
    tenant: jsonSchema('Tenant', tenantSchema),
    project: jsonSchema('Project', projectSchema),
  };
}

function jsonSchema(title: string, schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return { $schema, title, ...rest };
}
