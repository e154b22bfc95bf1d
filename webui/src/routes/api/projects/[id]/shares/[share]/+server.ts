import { onProject } from '$lib/server/api/route.js';
import { endShare } from '$lib/server/api/shares.js';

export const DELETE = onProject(endShare);
