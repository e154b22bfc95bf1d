import { AppError } from '@fullstackagent/controller/contract';
import { signedIn } from '$lib/load.js';
import { projectKeyOf } from '$lib/server/project-key.js';
import type { PageServerLoad } from './$types.js';

/** Where the database is. That it is not there yet is no error of the page. */
export const load: PageServerLoad = async (event) => {
  event.depends('project:database');
  const { user, controller } = event.untrack(() => signedIn(event));
  try {
    const key = projectKeyOf(event.params.id, user.namespace);
    return { address: await controller.database(key), problem: undefined };
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    return { address: undefined, problem: cause.toProblem() };
  }
};
