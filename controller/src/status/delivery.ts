import type { ApplyFailure, ApplyFailureKind, ProjectFacts } from '../model/facts.js';

/** How far the current version of the document has come on its way to the cluster. */
export type Delivery =
  | { readonly stage: 'accepted' }
  | { readonly stage: 'rendered' }
  | { readonly stage: 'failed'; readonly failure: ApplyFailure }
  | { readonly stage: 'applied' };

/** What comes before an applier has tried anything of the version. */
const BEFORE_TRYING: ReadonlySet<ApplyFailureKind> = new Set(['source', 'paused']);

export function deliveryOf(facts: ProjectFacts): Delivery {
  if (facts.rendered?.version !== facts.desired.version) return { stage: 'accepted' };
  const { applier } = facts;
  if (applier === undefined) return { stage: 'rendered' };
  if (applier.failure !== undefined && applier.failure.kind !== 'health' && !applier.applied)
    return applier.attempted || BEFORE_TRYING.has(applier.failure.kind)
      ? { stage: 'failed', failure: applier.failure }
      : { stage: 'rendered' };
  return { stage: applier.applied ? 'applied' : 'rendered' };
}

export const isDelivered = (facts: ProjectFacts): boolean => deliveryOf(facts).stage === 'applied';
