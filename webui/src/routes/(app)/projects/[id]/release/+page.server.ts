import { orErrorPage, signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { PageServerLoad } from './$types.js';

export const load: PageServerLoad = async (event) => {
  event.depends('project:release');
  const { user, controller } = event.untrack(() => signedIn(event));
  const { id } = event.params;
  const state = await orErrorPage(event.locals, () =>
    controller.release(projectKeyOf(id, user.namespace)).state(),
  );
  return { state };
};
