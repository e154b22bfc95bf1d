import { API_VERSION, type TenantDocument } from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { Edit, IntentView } from '../../model/intent.js';
import { tenantEdits } from './document-edit.js';

export interface NewTenant {
  readonly namespace: string;
  readonly displayName: string;
  /** The portal's id of who becomes its owner. */
  readonly owner: string;
}

/** Nothing where the owner is a member already. Throws FORBIDDEN where the namespace is somebody else's. */
export function createTenant(
  view: IntentView,
  { namespace, displayName, owner }: NewTenant,
): readonly Edit[] {
  const existing = view.tenant(namespace);
  if (existing?.document.spec.members.some(({ user }) => user === owner) === true) return [];
  if (existing !== undefined) throw new AppError('FORBIDDEN', 'This namespace belongs to somebody else.');
  const document: TenantDocument = {
    apiVersion: API_VERSION,
    kind: 'Tenant',
    metadata: { name: namespace },
    spec: { displayName, members: [{ user: owner, role: 'owner' }] },
  };
  return tenantEdits(document);
}
