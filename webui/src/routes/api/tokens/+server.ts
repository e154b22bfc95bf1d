import { signedIn } from '$lib/server/api/route.js';
import { createToken, listTokens } from '$lib/server/api/tokens.js';

export const GET = signedIn(listTokens);
export const POST = signedIn(createToken, 201);
