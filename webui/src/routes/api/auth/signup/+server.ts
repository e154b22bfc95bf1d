import { signUp } from '$lib/server/accounts.js';
import { readObject } from '$lib/server/api/body.js';
import { anybody } from '$lib/server/api/route.js';

export const POST = anybody(
  async (event) => ({ user: await signUp(event, await readObject(event.request)) }),
  201,
);
