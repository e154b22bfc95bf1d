import { anybody } from '$lib/server/api/route.js';
import { readShare } from '$lib/server/api/shares.js';

export const GET = anybody(readShare);
