import type { IncomingMessage } from 'node:http';
import { AppError, SSH_PROTOCOL } from '@fullstackagent/controller/contract';
import { findByToken } from '../bearer.js';
import { projectKeyOf } from '../project-key.js';
import { requestIdFrom } from '../request-id.js';
import type { Services } from '../services.js';
import { decoded, type Opening } from '../sockets/opening.js';

const PATH = /^\/api\/projects\/([^/]+)\/ssh$/;

/**
 * A connection to a sandbox's SSH server, with a personal access token: what opens it is a program, and a browser, which
 * sends cookies for whoever asks, cannot. undefined: the address is another's. Throws UNAUTHENTICATED, NOT_FOUND.
 */
export async function sshOpening(
  services: Services,
  request: IncomingMessage,
  url: URL,
): Promise<Opening | undefined> {
  const project = PATH.exec(url.pathname)?.[1];
  if (project === undefined) return undefined;
  const { authorization } = request.headers;
  if (authorization === undefined)
    throw new AppError('UNAUTHENTICATED', 'Send a personal access token: Authorization: Bearer fsa_…');
  const { user, credential } = await findByToken(services, authorization);
  const { namespace, name } = projectKeyOf(decoded(project), user.namespace);
  const path = `/v1/tenants/${encodeURIComponent(namespace)}/projects/${encodeURIComponent(name)}/ssh`;
  return {
    protocol: SSH_PROTOCOL,
    credentials: [credential],
    target: {
      controllerUrl: services.controllers.url,
      path: `${path}?${asked(url).toString()}`,
      token: await services.controllers.tokenFor(user),
      requestId: requestIdFrom(undefined),
    },
    endedWords: 'The access token was revoked, or has expired.',
    arrived: () => () => undefined,
  };
}

/** The controller checks them. */
function asked({ searchParams }: URL): URLSearchParams {
  const passed = [...searchParams].filter(([name]) => name === 'user' || name === 'key');
  return new URLSearchParams(passed);
}
