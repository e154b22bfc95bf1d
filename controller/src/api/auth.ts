import { namespaceName, type MemberRole } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { TokenClaims } from '../contract/token.js';
import type { IntentView } from '../model/intent.js';

/** `read`: any member. `change`: those who may change projects, use terminals and see passwords. */
export type Need = 'read' | 'change';

const rights: Record<MemberRole, readonly Need[]> = {
  owner: ['read', 'change'],
  maintainer: ['read', 'change'],
  viewer: ['read'],
};

/** Whose rights are looked up. */
type Subject = Pick<TokenClaims, 'sub' | 'operator'>;

/** An operator looks after the installation: sees every project, changes only those of which they are a member. */
const operatorRights: readonly Need[] = ['read'];

/**
 * The one place where it is decided who may do what. Denied unless the Tenant document says otherwise; whoever may not
 * even read is told the same as for a namespace that does not exist, so that nothing can be probed.
 */
export function authorise(
  view: IntentView,
  claims: Subject,
  request: { namespace: string; need: Need },
): void {
  const granted = rightsIn(view, claims, request.namespace);
  if (granted.includes(request.need)) return;
  if (granted.length > 0)
    throw new AppError(
      'FORBIDDEN',
      'You can look at this namespace, and not change it. Ask one of its owners.',
    );
  throw new AppError('NOT_FOUND', 'There is no such namespace, or you are not a member of it.');
}

export function isAllowed(
  view: IntentView,
  claims: Subject,
  request: { namespace: string; need: Need },
): boolean {
  return rightsIn(view, claims, request.namespace).includes(request.need);
}

function rightsIn(view: IntentView, claims: Subject, namespace: string): readonly Need[] {
  if (!namespaceName.safeParse(namespace).success) return [];
  const tenant = view.tenant(namespace);
  if (tenant === undefined) return [];
  const member = tenant.document.spec.members.find(({ user }) => user === claims.sub);
  if (member !== undefined) return rights[member.role];
  return claims.operator ? operatorRights : [];
}
