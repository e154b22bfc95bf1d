import { decideProposal } from '$lib/server/api/remote.js';

export const POST = decideProposal('accept');
