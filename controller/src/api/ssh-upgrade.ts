import type { WebSocket } from 'ws';
import { SSH_MESSAGE_MAX_BYTES, SSH_PROTOCOL } from '../contract/ssh.js';
import type { TokenClaims } from '../contract/token.js';
import type { ProjectKey } from '../model/intent.js';
import { bridgeSsh } from '../sandbox/ssh-bridge.js';
import type { SshServer } from '../sandbox/ssh.js';
import { isAllowed } from './auth.js';
import type { ApiDeps } from './deps.js';
import { personAt, PING_INTERVAL_MS, type Upgrades } from './upgrades.js';

const PATH = /^\/v1\/tenants\/([a-z0-9-]+)\/projects\/([a-z0-9-]+)\/ssh$/;

/**
 * SSH servers of sandboxes (see contract/ssh.ts). The server is started before the upgrade: what is wrong with it is told
 * as a problem document.
 */
export function sshUpgrades(deps: ApiDeps): Upgrades {
  return {
    protocol: SSH_PROTOCOL,
    maxPayload: SSH_MESSAGE_MAX_BYTES,
    isAt: (pathname) => PATH.test(pathname),
    open: async (upgrade) => {
      const { subject, key } = await personAt(deps, PATH, upgrade);
      const query = upgrade.url.searchParams;
      const server = await deps.ssh.open(key, {
        user: query.get('user') ?? '',
        publicKeys: query.getAll('key'),
      });
      const { requestId } = upgrade;
      return {
        serve: (client) => void serve(deps, client, { subject, key, server, requestId }),
        abandon: () => {
          server.program.abort();
        },
      };
    },
  };
}

interface Opening {
  readonly subject: TokenClaims;
  readonly key: ProjectKey;
  readonly server: SshServer;
  readonly requestId: string;
}

async function serve(
  deps: ApiDeps,
  client: WebSocket,
  { subject, key, server, requestId }: Opening,
): Promise<void> {
  const who = { user: subject.sub, ...key, requestId };
  deps.log.info({ audit: 'ssh-opened', ...who }, 'audit');
  deps.metrics.sshConnections.inc();
  const { code } = await bridgeSsh(client, server, {
    stillAllowed: () => isAllowed(deps.intent, subject, { namespace: key.namespace, need: 'change' }),
    pingIntervalMs: PING_INTERVAL_MS,
  });
  deps.metrics.sshConnections.dec();
  deps.log.info({ audit: 'ssh-closed', ...who, code }, 'audit');
}
