/** Statuses of one resource (sandbox, database), as the product has always named them. */
export const resourceStatuses = [
  'CREATING',
  'STARTING',
  'RUNNING',
  'UPDATING',
  'STOPPING',
  'STOPPED',
  'TERMINATING',
  'TERMINATED',
  'ERROR',
] as const;
export type ResourceStatus = (typeof resourceStatuses)[number];

/** A project is the aggregate of its resources; PARTIAL is what no other word fits. */
export const projectStatuses = [...resourceStatuses, 'PARTIAL'] as const;
export type ProjectStatus = (typeof projectStatuses)[number];

/** Why a resource is in ERROR: closed, so that every one of them has a text that says what to do. */
export const statusReasons = [
  'ImageCannotBePulled',
  'CrashLoop',
  'QuotaExceeded',
  'Unschedulable',
  'ApplyFailed',
  'InvalidDocument',
  'DatabaseFailed',
  'SecretCannotBeUnsealed',
  'TimedOut',
] as const;
export type StatusReason = (typeof statusReasons)[number];

/** `fresh`: observed within the last publish intervals. `stale`: the cluster cannot be reached. `never`: no observation yet. */
export type Freshness =
  | { readonly state: 'fresh' }
  | { readonly state: 'stale'; readonly ageSeconds: number }
  | { readonly state: 'never' };

export const projectActions = ['start', 'stop', 'restart', 'delete', 'restore'] as const;
export type ProjectAction = (typeof projectActions)[number];

export type ResourceKind = 'sandbox' | 'database' | 'release';

/** What a starting resource is waiting for, in plain words, in order; `done` steps stay listed. */
export interface StatusStep {
  readonly label: string;
  readonly state: 'done' | 'active' | 'waiting';
  /** Of the active step: what exactly is missing, as the cluster says it. */
  readonly detail?: string;
  /** Of the active step: since when (RFC 3339), where the cluster tells. */
  readonly since?: string;
  /** Of a step that is done: how long it took, where the cluster tells. */
  readonly seconds?: number;
}

export interface ResourceStatusDto {
  readonly kind: ResourceKind;
  readonly status: ResourceStatus;
  readonly reason?: StatusReason;
  /** One or two sentences a person can act on. */
  readonly message?: string;
  /** While it is on its way: what it waits for, to be read after "Waiting for". */
  readonly waitingFor?: string;
  readonly steps: readonly StatusStep[];
}

export interface ProjectStatusDto {
  readonly status: ProjectStatus;
  readonly reason?: StatusReason;
  readonly message?: string;
  readonly resources: readonly ResourceStatusDto[];
  readonly freshness: Freshness;
  readonly allowedActions: readonly ProjectAction[];
}
