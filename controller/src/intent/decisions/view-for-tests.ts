import { projectPath, readProject, tenantPath, writeDocument } from '@fullstackagent/charts';
import type { PlatformDocument, ProjectDocument, TenantDocument } from '@fullstackagent/charts';
import type { Edit, ProjectKey } from '../../model/intent.js';
import { NAMESPACE, platform, tenant } from '../../shared/documents-for-tests.js';
import { DocumentIndex } from '../document-index.js';

/** The version that a test's document has. */
export const VERSION = 'a'.repeat(40);
export const key = (name: string): ProjectKey => ({ namespace: NAMESPACE, name });

/** An index of documents, as a decision sees them. */
export function viewOf(
  projects: readonly ProjectDocument[],
  others: { platform?: PlatformDocument; tenants?: readonly TenantDocument[] } = {},
): DocumentIndex {
  const index = new DocumentIndex();
  index.put({
    kind: 'Platform',
    path: 'platform.yaml',
    version: VERSION,
    document: others.platform ?? platform,
  });
  for (const document of others.tenants ?? [tenant])
    index.put({ kind: 'Tenant', path: tenantPath(document.metadata.name), version: VERSION, document });
  for (const document of projects) {
    const { namespace, name } = document.metadata;
    index.put({ kind: 'Project', path: projectPath(namespace, name), version: VERSION, document });
  }
  return index;
}

/** The one project that the edits write, read back. */
export function written(edits: readonly Edit[]): ProjectDocument {
  if (edits.length !== 1 || edits[0]?.content == null)
    throw new Error(`Expected one written file: ${JSON.stringify(edits)}`);
  const document = readProject(edits[0].content);
  if (edits[0].path !== projectPath(document.metadata.namespace, document.metadata.name))
    throw new Error(`Written to the wrong path: ${edits[0].path}`);
  // A second writing changes nothing: what is stored is in the one form that documents have.
  if (writeDocument(document) !== edits[0].content)
    throw new Error('Not in the form that documents are written in.');
  return document;
}
