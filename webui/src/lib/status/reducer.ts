import type { ProjectDto, StatusEvent } from '@fullstackagent/controller/contract';

export type ProjectList = readonly ProjectDto[];

const same = (a: { namespace: string; id: string }, b: { namespace: string; id: string }): boolean =>
  a.namespace === b.namespace && a.id === b.id;

/**
 * The list after an event. Pure; a project that did not change keeps its identity, so that only what changed is drawn
 * again.
 */
export function reduce(list: ProjectList, event: StatusEvent): ProjectList {
  switch (event.type) {
    case 'snapshot':
      return event.projects.map((project) => {
        const known = list.find((other) => same(other, project));
        return known !== undefined && JSON.stringify(known) === JSON.stringify(project) ? known : project;
      });
    case 'project': {
      const { project } = event;
      const at = list.findIndex((other) => same(other, project));
      return at === -1 ? [...list, project] : list.with(at, project);
    }
    case 'removed':
      return list.filter((other) => !same(other, event));
    case 'freshness':
      return list.map((project) => ({ ...project, freshness: event.freshness }));
  }
}

/** The event in one message of the stream, or `undefined` for what this portal does not know (a newer server). */
export function parseEvent(data: string): StatusEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  return isEvent(value) ? value : undefined;
}

/** By type: the field that makes it one. */
const telling = { snapshot: 'projects', project: 'project', removed: 'id', freshness: 'freshness' } as const;

function isEvent(value: unknown): value is StatusEvent {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(telling, type)) return false;
  return telling[type as keyof typeof telling] in value;
}

/** How old the oldest "live" status is, in seconds; 0 when everything is fresh or nothing was observed yet. */
export function staleSeconds(list: ProjectList): number {
  return list.reduce(
    (most, { freshness }) => (freshness.state === 'stale' ? Math.max(most, freshness.ageSeconds) : most),
    0,
  );
}
