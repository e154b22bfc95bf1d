import type { ProjectAction, ProjectStatus, ResourceStatus } from '../contract/status.js';
import type { DesiredFacts } from '../model/facts.js';

/** The aggregate of a project's resources; the order of the rules is the product's (design, section 8). */
export function aggregate(statuses: readonly ResourceStatus[]): ProjectStatus {
  const [first] = statuses;
  if (first === undefined) return 'PARTIAL';
  for (const dominant of ['ERROR', 'CREATING', 'UPDATING'] as const) {
    if (statuses.includes(dominant)) return dominant;
  }
  const within = (...allowed: readonly ResourceStatus[]): boolean =>
    statuses.every((status) => allowed.includes(status));
  if (within(first)) return first;
  if (within('RUNNING', 'STARTING')) return 'STARTING';
  if (within('STOPPED', 'STOPPING')) return 'STOPPING';
  if (within('TERMINATED', 'TERMINATING')) return 'TERMINATING';
  return 'PARTIAL';
}

const actions: Record<ProjectStatus, readonly ProjectAction[]> = {
  RUNNING: ['stop', 'restart', 'delete'],
  STARTING: ['stop', 'restart', 'delete'],
  STOPPED: ['start', 'delete'],
  STOPPING: ['start', 'delete'],
  ERROR: ['start', 'stop', 'restart', 'delete'],
  PARTIAL: ['start', 'stop', 'restart', 'delete'],
  CREATING: ['stop', 'delete'],
  UPDATING: ['stop', 'delete'],
  TERMINATING: ['restore'],
  TERMINATED: ['restore'],
};

/**
 * What a person may ask for. A deleted project can only be restored, whatever else went wrong with it: "all" never
 * includes starting what is to be taken away, nor restoring what was not deleted. What is being purged is past that.
 */
export function allowedActions(
  status: ProjectStatus,
  { state, purging }: Pick<DesiredFacts, 'state' | 'purging'>,
): readonly ProjectAction[] {
  if (purging !== undefined) return [];
  return state === 'Deleted' ? ['restore'] : actions[status];
}
