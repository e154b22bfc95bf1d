import { nothingThere } from '$lib/server/api/projects.js';
import { onProject } from '$lib/server/api/route.js';

export const fallback = onProject(({ event }) => nothingThere(event.params['part'] ?? ''));
