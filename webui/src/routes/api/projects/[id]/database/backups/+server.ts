import { readJson } from '$lib/server/api/body.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key }) => controller.backups(key).state());

export const POST = onProject(({ controller, key }) => controller.backups(key).backUp(), 202);

export const PUT = onProject(async ({ controller, key, event }) =>
  controller.backups(key).setSchedule(await readJson(event.request)),
);
