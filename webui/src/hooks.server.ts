import type { Handle } from '@sveltejs/kit';

export const handle: Handle = ({ event, resolve }) => {
  event.locals.user = null;
  event.locals.controller = null;
  event.locals.signedInBy = null;
  event.locals.requestId = crypto.randomUUID();
  return resolve(event);
};
