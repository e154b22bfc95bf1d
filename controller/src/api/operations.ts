import type { OperationsDto, RolloutPlanDto } from '../contract/operations.js';
import type { Accepted } from '../model/intent.js';
import type { Asked } from './changes.js';

/**
 * What waits for an operator, and what they can decide about it. Every decision is a commit on `main`. Implemented by
 * the composition root; throws NOT_FOUND where nothing (any more) waits.
 */
export interface OperationsDesk {
  list(): Promise<OperationsDto>;
  plan(): Promise<RolloutPlanDto>;
  approveRemovals(asked: Asked, commit: string): Promise<Accepted>;
  putBackRemovals(asked: Asked, commit: string): Promise<Accepted>;
  /** A roll-out that waits begins; one that a project stopped goes on. */
  approveRollOut(asked: Asked): Promise<Accepted>;
  putBackPlatform(asked: Asked): Promise<Accepted>;
}
