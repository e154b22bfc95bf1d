import { redirect } from '@sveltejs/kit';
import { HOME } from '$lib/redirect.js';
import { signUpOpen } from '$lib/server/accounts.js';
import type { PageServerLoad } from './$types.js';

export const load: PageServerLoad = async ({ locals }) => {
  if (locals.user !== null) redirect(303, HOME);
  return { signUpOpen: await signUpOpen() };
};
