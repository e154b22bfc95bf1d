import { AppError } from '@fullstackagent/controller/contract';
import { orErrorPage, signedIn } from '$lib/load.js';
import type { PageServerLoad } from './$types.js';

/** What is on the page is asked for by the page itself, part by part: one that fails must not hide the others. */
export const load: PageServerLoad = (event) => {
  const { user } = signedIn(event);
  return orErrorPage(event.locals, () => {
    if (user.operator) return Promise.resolve({});
    throw new AppError('FORBIDDEN', 'This page is for the operators of the installation.');
  });
};
