import { pageOf } from '$lib/server/api/projects.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key, event }) => controller.history(key, pageOf(event.url)));
