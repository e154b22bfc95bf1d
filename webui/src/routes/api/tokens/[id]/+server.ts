import { signedIn } from '$lib/server/api/route.js';
import { removeToken } from '$lib/server/api/tokens.js';

export const DELETE = signedIn(removeToken);
