import { orErrorPage, signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { PageServerLoad } from './$types.js';

export const load: PageServerLoad = async (event) => {
  const { user, controller } = event.untrack(() => signedIn(event));
  const key = projectKeyOf(event.params.id, user.namespace);
  return { workspace: await orErrorPage(event.locals, () => controller.workspace(key)) };
};
