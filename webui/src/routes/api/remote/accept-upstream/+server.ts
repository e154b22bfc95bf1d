import { commandRemote } from '$lib/server/api/remote.js';

export const POST = commandRemote('accept-upstream');
