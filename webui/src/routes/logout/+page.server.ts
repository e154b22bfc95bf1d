import { redirect } from '@sveltejs/kit';
import { logOut } from '$lib/server/accounts.js';
import type { Actions, PageServerLoad } from './$types.js';

/** Signing out is a change: an address that is only opened ends nobody's session. */
export const load: PageServerLoad = () => redirect(303, '/');

export const actions: Actions = {
  default: async (event) => {
    await logOut(event);
    redirect(303, '/login');
  },
};
