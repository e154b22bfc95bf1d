import { redirect } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { orErrorPage, signedIn } from '$lib/load.js';
import { services } from '$lib/server/services.js';
import type { PageServerLoad } from './$types.js';

/** Where the ingress sends who has no pass for an app: to the portal's own sign-in, and then back there with a ticket. */
export const load: PageServerLoad = async (event) => {
  const { user } = signedIn(event);
  const { credential } = event.locals;
  const back = event.url.searchParams.get('rd');
  const entrance = await orErrorPage(event.locals, () => {
    if (credential?.kind !== 'session') throw new AppError('FORBIDDEN', 'Open this in a browser.');
    return services().apps.entrance({ user, session: credential.key }, back);
  });
  redirect(303, entrance);
};
