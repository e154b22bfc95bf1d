import { onProject } from '$lib/server/api/route.js';

/** Browsers do not say why they could not open a terminal's WebSocket at this address: this does. */
export const GET = onProject(({ controller, key }) => controller.requireTerminal(key));
