import { writeAudit } from '../accounts.js';
import type { ProjectKey } from '../project-key.js';
import { services } from '../services.js';
import type { Call } from './route.js';

type ProjectCall = Call & { readonly key: ProjectKey };

export const listShells = ({ controller, key }: ProjectCall): Promise<unknown> => controller.shells(key);

/** The links to it end with it: opened once more they would start a new shell in its name. */
export async function endShell({ event, user, controller, key }: ProjectCall): Promise<void> {
  const session = event.params['shell'] ?? '';
  await controller.endShell(key, session);
  const { shares, live } = services();
  for (const id of await shares.endOf(key, session, user)) {
    live.end(id);
    writeAudit(event, 'terminal-share-ended', { share: id, user: user.id, ...key });
  }
}
