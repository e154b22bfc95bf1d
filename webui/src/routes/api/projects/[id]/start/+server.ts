import { onProject } from '$lib/server/api/route.js';

export const POST = onProject(({ controller, key }) => controller.act(key, 'start'), 202);
