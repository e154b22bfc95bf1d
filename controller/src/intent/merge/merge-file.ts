import { DocumentError, documentAt, writeDocument, type ProjectDocument } from '@fullstackagent/charts';
import { isDeepStrictEqual } from 'node:util';
import type { FieldConflict } from '../../model/conflict.js';
import { readDocument } from '../document-text.js';
import { mergeDocuments, type AnyDocument } from './merge-documents.js';
import { mergeWhole, type Sides } from './merge-values.js';

/** A file on the two sides and where they parted; null: there is none. */
export interface FileSides extends Sides<string | null> {
  readonly path: string;
}

export interface MergedFile {
  readonly content: string | null;
  /** Where both changed the same: `content` has ours. Empty: nothing of either side is missing in it. */
  readonly conflicts: readonly FieldConflict[];
}

/**
 * Puts two versions of a file together. Documents are merged field by field, all else as a whole. Where the fields of
 * both would not make a valid document, ours stands as a whole and the conflict is the file's.
 */
export function mergeFile({ path, ...sides }: FileSides): MergedFile {
  const whole = mergeWhole(sides, '');
  if (whole.conflicts.length === 0) return { content: whole.value as string | null, conflicts: [] };
  return mergeAsDocuments(path, sides) ?? { content: sides.ours, conflicts: whole.conflicts };
}

/** undefined where they are no documents, or not all of them can be read. */
function mergeAsDocuments(path: string, sides: Sides<string | null>): MergedFile | undefined {
  const [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map((text) => documentOf(path, text));
  if (base === undefined || ours === undefined || theirs === undefined) return undefined;
  const { value, conflicts } = mergeDocuments({ base, ours, theirs });
  // The text of a side that says all of it stays as it was laid out there, comments included.
  if (isDeepStrictEqual(value, ours)) return { content: sides.ours, conflicts };
  if (isDeepStrictEqual(value, theirs)) return { content: sides.theirs, conflicts };
  const content = validText(value as AnyDocument);
  return content === undefined ? undefined : { content, conflicts };
}

function documentOf(path: string, text: string | null): AnyDocument | undefined {
  const ref = documentAt(path);
  if (ref === undefined || text === null) return undefined;
  const read = readDocument(ref, text);
  return read.kind === 'Unreadable' ? undefined : read.document;
}

function validText(document: AnyDocument): string | undefined {
  try {
    return writeDocument(document);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

export interface MergedProject {
  readonly document: ProjectDocument;
  readonly conflicts: readonly FieldConflict[];
}

/** A project as somebody wants it and as it stands, put together; where they differ about a field what stands remains. */
export function mergeProjects({ base, ours, theirs }: Sides<ProjectDocument>): MergedProject {
  const { value, conflicts } = mergeDocuments({ base, ours, theirs });
  return { document: value as ProjectDocument, conflicts };
}
