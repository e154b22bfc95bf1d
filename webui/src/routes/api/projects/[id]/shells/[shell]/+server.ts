import { onProject } from '$lib/server/api/route.js';

export const DELETE = onProject(
  ({ controller, key, event }) => controller.endShell(key, event.params['shell'] ?? ''),
  204,
);
