import { onProject } from '$lib/server/api/route.js';
import { createShare, listShares } from '$lib/server/api/shares.js';

export const GET = onProject(listShares);
export const POST = onProject(createShare, 201);
