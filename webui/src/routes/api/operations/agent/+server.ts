import { readJson } from '$lib/server/api/body.js';
import { forOperators } from '$lib/server/api/operator.js';

export const POST = forOperators(async ({ controller, event }) =>
  controller.operations.agent(await readJson(event.request)),
);
