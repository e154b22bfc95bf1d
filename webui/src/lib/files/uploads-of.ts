import { browser } from '$app/environment';
import { ProjectUploads } from './project-uploads.svelte.js';

const known = new Map<string, ProjectUploads>();

/** Going to another page of the portal does not end them. @param name with the namespace: another person may sign in. */
export function uploadsOf(name: string, projectKey: string): ProjectUploads {
  // Drawn on the server a page uploads nothing, and what is kept there would be everybody's.
  if (!browser) return new ProjectUploads(projectKey);
  if (known.size === 0) watchLeaving();
  const found = known.get(name) ?? new ProjectUploads(projectKey);
  known.set(name, found);
  return found;
}

/** Leaving the portal does: asked first, and half a file that nobody can go on with is not left in the sandbox. */
function watchLeaving(): void {
  addEventListener('beforeunload', (event) => {
    if ([...known.values()].some(({ underWay }) => underWay.length > 0)) event.preventDefault();
  });
  addEventListener('pagehide', ({ persisted }) => {
    if (!persisted) for (const uploads of known.values()) uploads.abandon();
  });
}
