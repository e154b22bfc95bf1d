import { orErrorPage, signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { PageServerLoad } from './$types.js';

export const load: PageServerLoad = async (event) => {
  event.depends('project:changes');
  const { user, controller } = event.untrack(() => signedIn(event));
  const { id } = event.params;
  const page = await orErrorPage(event.locals, () => controller.history(projectKeyOf(id, user.namespace)));
  return { page };
};
