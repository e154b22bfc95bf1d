import { z } from 'zod';
import { patchProjectInput, putEnvironmentInput } from './projects.js';
import { releaseInput, rollBackInput } from './release.js';

const projectPlan = [
  z.strictObject({ action: z.enum(['start', 'stop', 'restart', 'delete', 'restore']) }),
  z.strictObject({ change: patchProjectInput }),
  z.strictObject({ environment: putEnvironmentInput }),
] as const;

const releasePlan = [
  /** With the image of a snapshot that was taken: a plan takes none. */
  z.strictObject({ release: releaseInput.omit({ snapshot: true }) }),
  z.strictObject({ rollBack: rollBackInput }),
  z.strictObject({ takeDown: z.literal(true) }),
] as const;

/** `POST …/plan`: one change, as it would be asked for. */
export const planInput = z.union([...projectPlan, ...releasePlan]);
export type ProjectPlanInput = z.input<(typeof projectPlan)[number]>;
export type ReleasePlanInput = z.input<(typeof releasePlan)[number]>;
export type PlanInput = z.input<typeof planInput>;

/** A file as it is and as it would be; null: it is not there. */
export interface FileDifference {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What a change would do. Nothing was written. */
export interface PlanDto {
  /** The version it was planned against: send it with the change, and nobody else's comes in between unseen. */
  readonly version: string;
  /** Of a release: drawn with its first plan. Send it as `host` with the release, and it gets the address that was shown. */
  readonly releaseHost?: string;
  /** On `main`; empty where the project is wanted so already. */
  readonly documents: readonly FileDifference[];
  /** On `rendered`. */
  readonly manifests: readonly FileDifference[];
  /** The sandbox would be started anew: what runs in its terminals ends. */
  readonly restarts: boolean;
  /** Why it could not be rendered, where the document alone is fine. */
  readonly problem?: string;
}
