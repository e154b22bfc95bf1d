import {
  DocumentError,
  readPlatform,
  readProject,
  readTenant,
  type DocumentIssue,
  type DocumentRef,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';

export type ReadDocument =
  | { readonly kind: 'Platform'; readonly document: PlatformDocument }
  | { readonly kind: 'Tenant'; readonly document: TenantDocument }
  | { readonly kind: 'Project'; readonly document: ProjectDocument }
  | { readonly kind: 'Unreadable'; readonly message: string; readonly issues: readonly DocumentIssue[] };

/** Reads a document and checks that it is the one its path says. */
export function readDocument(ref: DocumentRef, text: string): ReadDocument {
  try {
    switch (ref.kind) {
      case 'Platform':
        return { kind: 'Platform', document: readPlatform(text) };
      case 'Tenant':
        return readTenantAt(ref.namespace, text);
      case 'Project':
        return readProjectAt(ref, text);
    }
  } catch (error) {
    if (error instanceof DocumentError) return unreadable(error.issues);
    throw error;
  }
}

function readTenantAt(namespace: string, text: string): ReadDocument {
  const document = readTenant(text);
  const { name } = document.metadata;
  return name === namespace ? { kind: 'Tenant', document } : misplaced(namespace, name);
}

function readProjectAt(ref: { namespace: string; name: string }, text: string): ReadDocument {
  const document = readProject(text);
  const { name, namespace } = document.metadata;
  const [wanted, found] = [`${ref.namespace}/${ref.name}`, `${namespace}/${name}`];
  return wanted === found ? { kind: 'Project', document } : misplaced(wanted, found);
}

const misplaced = (wanted: string, found: string): ReadDocument =>
  unreadable([{ field: 'metadata', message: `The path says ${wanted}, the document says ${found}.` }]);

const unreadable = (issues: readonly DocumentIssue[]): ReadDocument => ({
  kind: 'Unreadable',
  issues,
  message: new DocumentError(issues).message,
});
