import { forOperators } from '$lib/server/api/operator.js';

export const GET = forOperators(({ controller }) => controller.remote.proposals());
