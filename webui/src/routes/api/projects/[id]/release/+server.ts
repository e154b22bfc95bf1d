import { readJson } from '$lib/server/api/body.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key }) => controller.release(key).state());
export const POST = onProject(
  async ({ controller, key, event }) => controller.release(key).release(await readJson(event.request)),
  202,
);
export const DELETE = onProject(({ controller, key }) => controller.release(key).takeDown(), 202);
