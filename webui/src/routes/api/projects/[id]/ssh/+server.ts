import { onProject } from '$lib/server/api/route.js';

/** What an SSH client has to know beforehand, and why it could not connect. The connection is a WebSocket at this address. */
export const GET = onProject(({ controller, key }) => controller.sshOffer(key));
