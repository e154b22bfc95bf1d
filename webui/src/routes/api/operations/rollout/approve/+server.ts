import { decideRollout } from '$lib/server/api/operator.js';

export const POST = decideRollout('approve');
