import {
  DocumentError,
  projectPath,
  tenantPath,
  writeDocument,
  type DocumentIssue,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { Edit, IntentView, ProjectKey, Versioned } from '../../model/intent.js';

/** Throws NOT_FOUND. */
export function existingProject(view: IntentView, key: ProjectKey): Versioned<ProjectDocument> {
  const project = view.project(key);
  if (project === undefined) throw new AppError('NOT_FOUND', `There is no project ${key.name}.`);
  return project;
}

/** A project that can be changed. Throws NOT_FOUND, or ACTION_NOT_ALLOWED where it is deleted. */
export function changeableProject(view: IntentView, key: ProjectKey): Versioned<ProjectDocument> {
  const project = existingProject(view, key);
  if (project.document.spec.state === 'Deleted')
    throw new AppError('ACTION_NOT_ALLOWED', `${key.name} is deleted. Restore it first.`);
  return project;
}

/** Where a field of the document stands in the request: the start of its path, and what it is called there. */
export type FieldNames = readonly (readonly [inDocument: string, inRequest: string])[];

export interface ProjectBefore {
  /** What is written already: nothing is, where the document says the same, however it is laid out. */
  readonly before?: ProjectDocument;
  readonly fields?: FieldNames;
}

/**
 * The edit that writes a project.
 * Throws VALIDATION_FAILED for a document that would not read back, with the fields as the request names them.
 */
export function projectEdits(
  document: ProjectDocument,
  { before, fields = [] }: ProjectBefore = {},
): readonly Edit[] {
  const { namespace, name } = document.metadata;
  const content = validText(document, fields);
  if (before !== undefined && content === validText(before, [])) return [];
  return [{ path: projectPath(namespace, name), content }];
}

export const tenantEdits = (document: TenantDocument): readonly Edit[] => [
  { path: tenantPath(document.metadata.name), content: validText(document, []) },
];

function validText(document: ProjectDocument | TenantDocument, fields: FieldNames): string {
  try {
    return writeDocument(document);
  } catch (cause) {
    if (!(cause instanceof DocumentError)) throw cause;
    const errors = cause.issues.map((issue) => asRequestField(issue, fields));
    throw new AppError('VALIDATION_FAILED', errors[0]?.message ?? cause.message, { cause, errors });
  }
}

function asRequestField({ field, message }: DocumentIssue, fields: FieldNames): DocumentIssue {
  const renamed = fields.find(([inDocument]) => field.startsWith(inDocument));
  if (renamed !== undefined) return { field: renamed[1] + field.slice(renamed[0].length), message };
  return { field: field.replace(/^spec\./, ''), message };
}

/** Throws VALIDATION_FAILED beside one field. */
export function refuseField(field: string, message: string): never {
  throw new AppError('VALIDATION_FAILED', message, { errors: [{ field, message }] });
}

/** Seconds precision, UTC: how documents write a time. */
export const instant = (at: Date): string => at.toISOString().replace(/\.\d{3}Z$/, 'Z');
