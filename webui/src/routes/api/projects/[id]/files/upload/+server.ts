import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key, event }) =>
  controller.uploadState(key, event.url.searchParams),
);
export const DELETE = onProject(
  ({ controller, key, event }) => controller.cancelUpload(key, event.url.searchParams),
  204,
);
