import { AppError } from '@fullstackagent/controller/contract';
import { orErrorPage, signedIn } from '$lib/load.js';
import type { LayoutServerLoad } from './$types.js';

export const load: LayoutServerLoad = async (event) => {
  const { locals } = event;
  // Not tracked: who is signed in does not change by going to another page.
  const { user, controller } = event.untrack(() => signedIn(event));
  const platform = await orErrorPage(locals, () => controller.platform());
  // Without the list the page still stands: the live connection brings it as soon as it can be had.
  const projects = await controller.projects(user.namespace).catch((cause: unknown) => {
    if (cause instanceof AppError) return undefined;
    throw cause;
  });
  const { username, namespace, operator } = user;
  return { user: { username, namespace, operator }, platform, projects };
};
