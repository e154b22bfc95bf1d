import { onProject } from '$lib/server/api/route.js';
import { endShell } from '$lib/server/api/shells.js';

export const DELETE = onProject(endShell, 204);
