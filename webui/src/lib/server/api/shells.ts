import { writeAudit } from '../accounts.js';
import type { ProjectKey } from '../project-key.js';
import { services } from '../services.js';
import type { Call } from './route.js';

type ProjectCall = Call & { readonly key: ProjectKey };

export const listShells = ({ controller, key }: ProjectCall): Promise<unknown> => controller.shells(key);

/**
 * The links to it end before it does: a guest whose terminal comes back by itself would start a new shell in its name.
 * They end also where the shell has gone by itself.
 */
export async function endShell({ event, user, controller, key }: ProjectCall): Promise<void> {
  const session = event.params['shell'] ?? '';
  await controller.requireTerminal(key);
  const { shares, live } = services();
  for (const id of await shares.endOf(key, session, user)) {
    live.end(id);
    writeAudit(event, 'terminal-share-ended', { share: id, user: user.id, ...key });
  }
  await controller.endShell(key, session);
}
