import { logOut } from '$lib/server/accounts.js';
import { anybody } from '$lib/server/api/route.js';

export const POST = anybody(logOut);
