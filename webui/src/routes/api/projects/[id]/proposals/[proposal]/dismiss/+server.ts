import { decideOwnProposal } from '$lib/server/api/remote.js';

export const POST = decideOwnProposal('dismiss');
