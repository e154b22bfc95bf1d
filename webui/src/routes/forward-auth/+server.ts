import { services } from '$lib/server/services.js';
import type { RequestHandler } from './$types.js';

/** What the ingress asks before it passes on a request to an app that is for members. */
export const GET: RequestHandler = async ({ request }) => {
  const answer = await services().apps.answer({
    original: request.headers.get('x-original-url'),
    cookies: request.headers.get('cookie'),
  });
  const cookie = 'cookie' in answer ? answer.cookie : undefined;
  return new Response(null, {
    status: answer.status,
    headers: cookie === undefined ? {} : { 'set-cookie': cookie },
  });
};
