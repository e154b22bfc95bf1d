import { commandRemote } from '$lib/server/api/remote.js';

export const POST = commandRemote('sync');
