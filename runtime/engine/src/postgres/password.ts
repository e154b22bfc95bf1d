import { execFile } from 'node:child_process';
import { Client } from 'pg';
import type { PostgresBinaries } from './binaries.js';
import { launchAs, postgresEnvironment, type Identity } from './identity.js';
import { scramVerifier } from './scram.js';
import { PostgresError } from './types.js';

/** SQLSTATE 28P01: the password is wrong. */
const INVALID_PASSWORD = '28P01';

export interface PasswordOptions {
  readonly port: number;
  readonly wanted: string;
  /** The password that a new instance has from its template. */
  readonly templatePassword: string;
  /** Just copied from the template: a first try with the wanted one would only fail in the server's log. */
  readonly fresh: boolean;
}

/** Makes `wanted` the password of the role `postgres`. Answers false where no password that we know opens it. */
export async function ensurePassword(options: PasswordOptions): Promise<boolean> {
  const { port, wanted } = options;
  if (!options.fresh && (await withClient(port, wanted, () => Promise.resolve()))) return true;
  const verifier = await scramVerifier(wanted);
  return withClient(port, options.templatePassword, async (client) => {
    await client.query(setPassword(verifier));
  });
}

/** `verifier` contains no quote, see {@link scramVerifier}. */
function setPassword(verifier: string): string {
  return `ALTER ROLE postgres PASSWORD '${verifier}'`;
}

/** Answers false where the password is wrong; every other failure is thrown. */
async function withClient(
  port: number,
  password: string,
  use: (client: Client) => Promise<void>,
): Promise<boolean> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await use(client);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === INVALID_PASSWORD) return false;
    throw new PostgresError(
      'START_FAILED',
      `PostgreSQL on port ${port} does not answer: ${String(error)}`,
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

export interface OfflinePassword {
  readonly binaries: PostgresBinaries;
  readonly identity: Identity;
  readonly dataFolder: string;
  readonly wanted: string;
}

/** Sets the password of a stopped server, whatever it was: PostgreSQL's single-user mode asks for none. */
export async function resetPasswordOffline(options: OfflinePassword): Promise<void> {
  const command = [options.binaries.postgres, '--single', '-D', options.dataFolder, 'postgres'] as const;
  const launch = launchAs(options.identity, [...command]);
  const statement = setPassword(await scramVerifier(options.wanted));
  await new Promise<void>((resolve, reject) => {
    const settings = { ...launch.options, cwd: '/', env: postgresEnvironment };
    const child = execFile(launch.file, [...launch.args], settings, (error, _out, stderr) => {
      if (error === null) resolve();
      else
        reject(
          new PostgresError('START_FAILED', `The database's password cannot be set: ${stderr.trim()}`, error),
        );
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${statement}\n`);
  });
}
