import { objectNames, PORTS } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { DatabaseDto } from '../contract/projects.js';
import type { ProjectKey } from '../model/intent.js';
import type { SandboxAccess } from './sandbox-access.js';

/**
 * `service`: the name that resolves inside the cluster. `endpoint`: where the database really listens, which on one
 * machine is what sandboxes are given too.
 */
export type DatabaseAddressing = 'service' | 'endpoint';

const DATABASE = 'postgres';

/** KubeBlocks makes one superuser account, and this one database. */
const USER = 'postgres';

export class DatabaseAccess {
  constructor(
    private readonly access: SandboxAccess,
    private readonly addressing: DatabaseAddressing,
  ) {}

  /** How to connect, without the password. */
  async describe(key: ProjectKey): Promise<DatabaseDto> {
    return { ...(await this.#address(key)), user: USER, database: DATABASE };
  }

  /** With the password; the caller writes the audit line. Throws NOT_READY until KubeBlocks has made the account. */
  async reveal(key: ProjectKey): Promise<DatabaseDto> {
    const account = await this.access.secret(key.namespace, objectNames(key.name).databaseAccount);
    const user = account?.get('username');
    const password = account?.get('password');
    if (user === undefined || password === undefined)
      throw new AppError('NOT_READY', 'The database is still being set up. Try again when it runs.');
    const address = await this.#address(key);
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return {
      ...address,
      user,
      database: DATABASE,
      password,
      url: `postgresql://${credentials}@${address.host}:${address.port}/${DATABASE}`,
    };
  }

  async #address(key: ProjectKey): Promise<{ host: string; port: number }> {
    const service = objectNames(key.name).databaseService;
    const byName = { host: `${service}.${key.namespace}.svc.cluster.local`, port: PORTS.database };
    if (this.addressing === 'service') return byName;
    return (await this.access.endpoint(key.namespace, service, undefined)) ?? byName;
  }
}
