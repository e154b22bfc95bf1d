import type { PlatformDocument, ProjectDocument, TenantDocument } from '@fullstackagent/charts';
import { mergeValues, type KeyedLists, type Merged, type Sides } from './merge-values.js';

export type AnyDocument = PlatformDocument | TenantDocument | ProjectDocument;

/** A variable is one value: half of a plain one and half of a secret is neither. */
const KEYED_LISTS: KeyedLists = {
  'spec.env': { key: 'name', entries: 'whole' },
  'spec.release.env': { key: 'name', entries: 'whole' },
  'spec.sandbox.ports': { key: 'port', entries: 'fields' },
  'spec.members': { key: 'user', entries: 'whole' },
};

/** A branch is of its repository: the one of one side and the other of the other may not be. */
const WHOLE_FIELDS: ReadonlySet<string> = new Set(['spec.workspace.repository']);

/**
 * The fields of a document that two sides changed since `base`, put together. The value need not be a valid document:
 * fields that belong together can come from two sides.
 */
export function mergeDocuments(sides: Sides<AnyDocument>): Merged {
  return mergeValues(sides, { lists: KEYED_LISTS, whole: WHOLE_FIELDS, field: '' });
}
