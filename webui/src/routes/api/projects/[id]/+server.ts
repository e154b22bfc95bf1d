import { readJson } from '$lib/server/api/body.js';
import { deleteProject } from '$lib/server/api/projects.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key }) => controller.project(key));
export const PATCH = onProject(async ({ controller, key, event }) =>
  controller.patchProject(key, await readJson(event.request)),
);
export const DELETE = onProject(deleteProject, 202);
