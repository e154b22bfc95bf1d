import { orErrorPage, signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { LayoutServerLoad } from './$types.js';

export const load: LayoutServerLoad = async (event) => {
  const { user, controller } = event.untrack(() => signedIn(event));
  const { id } = event.params;
  const project = await orErrorPage(event.locals, () => controller.project(projectKeyOf(id, user.namespace)));
  return { key: id, project };
};
