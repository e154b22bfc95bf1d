import type { FileDifference } from './plan.js';

/** What waits for an operator. Each is a commit on `main` whose consequences are held back until somebody approves it. */

export interface CommitSummary {
  readonly commit: string;
  /** RFC 3339. */
  readonly at: string;
  readonly author: string;
  readonly subject: string;
}

export interface ProjectName {
  readonly namespace: string;
  readonly id: string;
}

/** A commit that would take away many projects at once: they run on until it is approved. */
export interface HeldRemovalDto extends CommitSummary {
  readonly projects: readonly ProjectName[];
}

/** A change of `platform.yaml` that changes the manifests of projects. */
export interface RolloutDto extends CommitSummary {
  /** `waiting`: for approval. `rolling`: slice by slice. `stopped`: a project failed under it; `continue` goes on. */
  readonly state: 'waiting' | 'rolling' | 'stopped';
  /** Documents looked at so far, and in all. */
  readonly done: number;
  readonly total: number;
  readonly stoppedBy?: ProjectName & { readonly message: string };
  /** While it waits: what it would do that no difference of manifests shows. */
  readonly warnings?: readonly string[];
}

/** `GET /v1/operations`. */
export interface OperationsDto {
  readonly removals: readonly HeldRemovalDto[];
  readonly rollout?: RolloutDto;
  /** What is set up so that nothing can come of it, each a sentence or two that say what to do. */
  readonly notices?: readonly string[];
}

/** `GET /v1/operations/rollout/plan`: what it would change, by a sample of the projects. */
export interface RolloutPlanDto {
  readonly sampled: number;
  readonly changed: number;
  /** The files of the first project that would change. */
  readonly example?: ProjectName & { readonly files: readonly FileDifference[] };
}
