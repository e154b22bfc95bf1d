import { onProject } from '$lib/server/api/route.js';
import { removeGuest } from '$lib/server/api/shares.js';

export const DELETE = onProject(removeGuest);
