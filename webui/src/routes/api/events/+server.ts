import { relayEvents } from '$lib/server/api/events.js';
import { signedIn } from '$lib/server/api/route.js';

export const GET = signedIn(relayEvents);
