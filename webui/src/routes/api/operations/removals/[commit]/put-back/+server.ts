import { decideRemoval } from '$lib/server/api/operator.js';

export const POST = decideRemoval('put-back');
