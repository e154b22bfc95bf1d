import { ProjectUploads } from './project-uploads.svelte.js';

const known = new Map<string, ProjectUploads>();

/** Going to another page of the portal does not end them. @param name with the namespace: another person may sign in. */
export function uploadsOf(name: string, projectKey: string): ProjectUploads {
  const found = known.get(name) ?? new ProjectUploads(projectKey);
  known.set(name, found);
  return found;
}
