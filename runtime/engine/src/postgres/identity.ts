import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PostgresError } from './types.js';

const run = promisify(execFile);

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/** All that PostgreSQL sees of our environment: no locale, time zone or secret of this machine leaks into a database. */
export const postgresEnvironment: NodeJS.ProcessEnv = { PATH: SYSTEM_PATH, LC_ALL: 'C', TZ: 'UTC' };

/**
 * Who PostgreSQL's programs run as. They refuse uid 0, so root hands them to `nobody` (docs/adr/0007).
 * - `same`: as this process.
 * - `dropped`: as another user.
 * - `dropped-keeping-search`: as another user that keeps the capability to pass closed folders, because a folder above
 *   the data or above node_modules is closed to others.
 */
export type Identity =
  | { readonly kind: 'same' }
  | { readonly kind: 'dropped'; readonly uid: number; readonly gid: number }
  | {
      readonly kind: 'dropped-keeping-search';
      readonly uid: number;
      readonly gid: number;
      readonly setpriv: string;
      readonly capability: string;
    };

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

export function launchAs(identity: Identity, command: readonly [string, ...string[]]): Launch {
  const [file, ...args] = command;
  if (identity.kind === 'same') return { file, args, options: {} };
  const { uid, gid } = identity;
  if (identity.kind === 'dropped') return { file, args, options: { uid, gid } };
  const capability = `+${identity.capability}`;
  // access(2) counts no capability of a user who is not root, and PostgreSQL asks it whether its programs are there:
  // unless the process says that it manages its capabilities itself, which is this bit.
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  return {
    file: identity.setpriv,
    args: [...ids, `--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--', file, ...args],
    options: {},
  };
}

export interface IdentityQuestion {
  readonly initdb: string;
  /** A folder that exists and belongs to the identity; it is searched for by its whole path. */
  readonly dataRoot: string;
}

/** The user that root hands PostgreSQL to, from /etc/passwd: initdb wants an entry there. */
export async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === 'nobody' && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new PostgresError(
    'PATH_CLOSED',
    'PostgreSQL does not run as root, and there is no user "nobody" to run it as: start as a normal user.',
  );
}

/** Tries the ways in order: initdb shows its settings when it finds the server, its libraries and its other files. */
export async function chooseIdentity(question: IdentityQuestion): Promise<Identity> {
  if (process.getuid?.() !== 0) return { kind: 'same' };
  const user = await unprivilegedUser();
  const plain: Identity = { kind: 'dropped', ...user };
  const plainFailure = await probe(plain, question);
  if (plainFailure === undefined) return plain;

  const setpriv = await findProgram('setpriv');
  // Searching is all that is needed; where only the wider capability is granted (Docker's default set), that one.
  for (const capability of setpriv === undefined ? [] : ['dac_read_search', 'dac_override']) {
    const keeping = { kind: 'dropped-keeping-search', ...user, setpriv: setpriv ?? '', capability } as const;
    if ((await probe(keeping, question)) === undefined) return keeping;
  }
  throw new PostgresError(
    'PATH_CLOSED',
    `PostgreSQL does not run as root, and the user "nobody" cannot reach ${question.dataRoot} or ` +
      `${dirname(question.initdb)}: run \`chmod o+x\` on the closed folders above them, ` +
      `${setpriv === undefined ? 'install util-linux (setpriv), ' : ''}or start as a normal user.`,
    plainFailure,
  );
}

async function probe(identity: Identity, question: IdentityQuestion): Promise<unknown> {
  const script = 'cd "$1" && exec "$2" --show --username postgres --pgdata "$1/none"';
  const launch = launchAs(identity, ['/bin/sh', '-c', script, 'sh', question.dataRoot, question.initdb]);
  try {
    await run(launch.file, [...launch.args], { ...launch.options, cwd: '/', env: postgresEnvironment });
    return undefined;
  } catch (error) {
    return error;
  }
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of SYSTEM_PATH.split(':')) {
    const file = join(folder, name);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}
