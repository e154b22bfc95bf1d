import { readJson } from '$lib/server/api/body.js';
import { onProject } from '$lib/server/api/route.js';

export const POST = onProject(
  async ({ controller, key, event }) => controller.release(key).build(await readJson(event.request)),
  202,
);
export const GET = onProject(({ controller, key }) => controller.release(key).buildState());
export const DELETE = onProject(({ controller, key }) => controller.release(key).cancelBuild());
