import { onProject } from '$lib/server/api/route.js';
import { listShells } from '$lib/server/api/shells.js';

export const GET = onProject(listShells);
