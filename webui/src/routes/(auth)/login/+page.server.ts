import { redirect } from '@sveltejs/kit';
import { submitAccount } from '$lib/account/form.js';
import { safeNext } from '$lib/redirect.js';
import { logIn, signUpOpen } from '$lib/server/accounts.js';
import type { Actions, PageServerLoad } from './$types.js';

export const load: PageServerLoad = async ({ locals, url }) => {
  if (locals.user !== null) redirect(303, safeNext(url.searchParams.get('next')));
  return { signUpOpen: await signUpOpen() };
};

export const actions: Actions = { default: (event) => submitAccount(event, logIn) };
