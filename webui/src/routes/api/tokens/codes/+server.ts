import { signedIn } from '$lib/server/api/route.js';
import { createTokenCode } from '$lib/server/api/tokens.js';

export const POST = signedIn(createTokenCode, 201);
