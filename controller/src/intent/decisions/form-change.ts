import type { ProjectDocument } from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { Edit, Versioned } from '../../model/intent.js';
import { documentShown, differenceShown, mergeProjects } from '../merge/index.js';
import { projectEdits, type FieldNames } from './document-edit.js';

/** The version that a form was filled from. */
export interface FormBase {
  readonly version: string;
  /** undefined: nobody knows any more what it said. */
  readonly document: ProjectDocument | undefined;
}

export interface FormChange {
  /** Absent: the change is about whatever stands. */
  readonly base: FormBase | undefined;
  readonly edit: (document: ProjectDocument) => ProjectDocument;
  /** What follows from the whole, once the change is in it. */
  readonly settle?: (document: ProjectDocument) => ProjectDocument;
  readonly fields?: FieldNames;
}

/**
 * What a form asks for, put into the document as it stands: what somebody else changed meanwhile stays, where it is
 * another field. Throws STALE_VERSION with both sides where it is the same one, VALIDATION_FAILED.
 */
export function formEdits(
  standing: Versioned<ProjectDocument>,
  { base, edit, settle = (document) => document, fields = [] }: FormChange,
): readonly Edit[] {
  const before = standing.document;
  if (base === undefined || base.version === standing.version)
    return projectEdits(settle(edit(before)), { before, fields });
  if (base.document === undefined)
    throw new AppError(
      'STALE_VERSION',
      'This was changed meanwhile, and the version you started from is not known any more. Load it again and repeat your change; nothing was written.',
    );
  const yours = edit(base.document);
  const merged = mergeProjects({ base: base.document, ours: before, theirs: yours });
  if (merged.conflicts.length === 0) return projectEdits(settle(merged.document), { before, fields });
  throw new AppError(
    'STALE_VERSION',
    'Somebody else changed the same meanwhile. Decide which of the two it shall be; nothing was written.',
    {
      conflict: {
        fields: merged.conflicts.map(differenceShown),
        version: standing.version,
        documents: { theirs: documentShown(before), yours: documentShown(yours) },
      },
    },
  );
}
