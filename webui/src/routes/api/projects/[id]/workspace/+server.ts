import { readJson } from '$lib/server/api/body.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key }) => controller.workspace(key));
export const PUT = onProject(async ({ controller, key, event }) =>
  controller.putWorkspace(key, await readJson(event.request)),
);
