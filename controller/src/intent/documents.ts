import {
  documentAt,
  type DocumentIssue,
  type DocumentRef,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import type { ProjectKey } from '../model/intent.js';
import { readDocument } from './document-text.js';

/** A file of `main` that holds a document of ours, read. */
export type StoredDocument = GoodDocument | UnreadableDocument;
export type GoodDocument = StoredPlatform | StoredTenant | StoredProject;

interface Stored {
  readonly path: string;
  /** Blob id. */
  readonly version: string;
}

export interface StoredPlatform extends Stored {
  readonly kind: 'Platform';
  readonly document: PlatformDocument;
}

export interface StoredTenant extends Stored {
  readonly kind: 'Tenant';
  readonly document: TenantDocument;
}

export interface StoredProject extends Stored {
  readonly kind: 'Project';
  readonly document: ProjectDocument;
}

/** Written by hand, and not a document: the last good one stands until somebody mends it. */
export interface UnreadableDocument extends Stored {
  readonly kind: 'Unreadable';
  readonly ref: DocumentRef;
  readonly message: string;
  readonly issues: readonly DocumentIssue[];
}

export interface TextAt {
  readonly path: string;
  readonly blob: string;
  readonly text: string;
}

/** undefined for a path that holds none of our documents. Never throws: that it cannot be read is an answer too. */
export function storedDocument({ path, blob, text }: TextAt): StoredDocument | undefined {
  const ref = documentAt(path);
  if (ref === undefined) return undefined;
  const read = readDocument(ref, text);
  return read.kind === 'Unreadable'
    ? { ...read, path, version: blob, ref }
    : { ...read, path, version: blob };
}

export const projectId = ({ namespace, name }: ProjectKey): string => `${namespace}/${name}`;
