import { readJson } from '$lib/server/api/body.js';
import { onProject } from '$lib/server/api/route.js';

export const POST = onProject(
  async ({ controller, key, event }) => controller.backups(key).restore(await readJson(event.request)),
  202,
);
