import { anybody } from '$lib/server/api/route.js';
import { openApiDocument } from '$lib/server/api/openapi.js';

export const GET = anybody((event) => Promise.resolve(openApiDocument(event.url.origin)));
