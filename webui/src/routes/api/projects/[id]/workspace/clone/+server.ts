import { onProject } from '$lib/server/api/route.js';

export const GET = onProject(({ controller, key }) => controller.clone(key));
