import { anybody } from '$lib/server/api/route.js';
import { redeemTokenCode } from '$lib/server/api/tokens.js';

export const POST = anybody(redeemTokenCode, 201);
