import { AppError } from '@fullstackagent/controller/contract';
import { signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { PageServerLoad } from './$types.js';

/** The last change, beside the status: what is shown is what somebody asked for. Missing it is no reason to fail. */
export const load: PageServerLoad = async (event) => {
  event.depends('project:changes');
  const { user, controller } = event.untrack(() => signedIn(event));
  try {
    const key = projectKeyOf(event.params.id, user.namespace);
    const { commits } = await controller.history(key, { limit: '1' });
    return { lastChange: commits[0] };
  } catch (cause) {
    if (cause instanceof AppError) return { lastChange: undefined };
    throw cause;
  }
};
