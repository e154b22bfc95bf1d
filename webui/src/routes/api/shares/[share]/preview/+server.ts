import { anybody } from '$lib/server/api/route.js';
import { previewShare } from '$lib/server/api/shares.js';

export const POST = anybody(previewShare);
