import type { Handle, HandleServerError, ServerInit } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { identify } from '$lib/server/identify.js';
import { failPage } from '$lib/server/page-errors.js';
import { startPortal } from '$lib/server/portal.js';
import { asProblemResponse, problemResponse } from '$lib/server/problems.js';
import { requestIdFrom } from '$lib/server/request-id.js';
import { canonicalPage, isCrossSite } from '$lib/server/same-origin.js';
import { addSecurityHeaders } from '$lib/server/security-headers.js';
import { services } from '$lib/server/services.js';

type Event = Parameters<Handle>[0]['event'];

export const init: ServerInit = () => {
  startPortal();
};

export const handle: Handle = async ({ event, resolve }) => {
  Object.assign(event.locals, {
    user: null,
    controller: null,
    credential: null,
    requestId: requestIdFrom(event.request.headers.get('x-request-id')),
  });
  const { pathname } = event.url;
  const isApi = pathname === '/api' || pathname.startsWith('/api/');
  const response = isApi ? await answerApi(event, resolve) : await answerPage(event, resolve);
  addSecurityHeaders(response, { isApi, requestId: event.locals.requestId });
  return response;
};

type Resolve = Parameters<Handle>[0]['resolve'];

async function answerApi(event: Event, resolve: Resolve): Promise<Response> {
  try {
    refuseCrossSite(event, true);
    await identify(event, true);
    return asProblemResponse(await resolve(event));
  } catch (error) {
    return problemResponse(error, event);
  }
}

async function answerPage(event: Event, resolve: Resolve): Promise<Response> {
  const { request, url } = event;
  const elsewhere = request.method === 'GET' ? canonicalPage(request.headers.get('host'), url) : undefined;
  if (elsewhere !== undefined) return new Response(null, { status: 307, headers: { location: elsewhere } });
  try {
    refuseCrossSite(event, false);
    if (url.pathname !== '/healthz') await identify(event, false);
  } catch (error) {
    failPage(event.locals.requestId, error);
  }
  return resolve(event);
}

function refuseCrossSite({ request, url }: Event, isApi: boolean): void {
  const { headers, method } = request;
  const crossSite = isCrossSite({
    method,
    isApi,
    portal: url.origin,
    origin: headers.get('origin'),
    fetchSite: headers.get('sec-fetch-site'),
    carriesCookie: services().sessions.hasCookie(headers.get('cookie')) && !headers.has('authorization'),
  });
  if (crossSite)
    throw new AppError(
      'FORBIDDEN',
      `This request came from another address than the portal's, which is ${url.origin}. Open the portal there, or start it with ORIGIN set to the address you use.`,
    );
}

/** Pages show the message and the id; the log has the rest under the same id. */
export const handleError: HandleServerError = ({ error, event, status }) => {
  const id = event.locals.requestId;
  if (status === 404) return { message: 'There is no such page.', id };
  if (error instanceof AppError) {
    services().log.warn({ err: error.cause ?? error, requestId: id, code: error.code }, 'a page failed');
    return { message: error.message, id, code: error.code };
  }
  services().log.error({ err: error, requestId: id, route: event.route.id }, 'unexpected');
  return { message: 'Something went wrong here.', id };
};
