import { signedIn } from '$lib/server/api/route.js';

export const GET = signedIn(({ controller }) => controller.agent());
