import { relay } from '$lib/server/api/events.js';
import { onProject } from '$lib/server/api/route.js';

export const GET = onProject((call) =>
  relay(call, (signal) => call.controller.buildEvents(call.key, signal)),
);
