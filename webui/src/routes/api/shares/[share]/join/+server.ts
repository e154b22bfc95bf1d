import { anybody } from '$lib/server/api/route.js';
import { joinShare } from '$lib/server/api/shares.js';

export const POST = anybody(joinShare);
