import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import type { SandboxProgram } from './exec-stream.js';
import { firstLine, type Runner } from './files.js';
import { PUBLIC_KEY, SSH_EXITS, SSH_SERVER } from './ssh-script.js';

export interface SshRequest {
  /** Whom the client will sign in as. */
  readonly user: string;
  /** What the client will show; it is good for this connection. */
  readonly publicKey: string;
}

export interface SshServer {
  /** As known_hosts writes it, without the host. */
  readonly hostKey: string;
  /** SSH's bytes, both ways. */
  readonly program: SandboxProgram;
}

/** For signing in: what has begun goes on. */
const KEY_LIFETIME_SECONDS = 120;
const USER = /^[a-z_][a-z0-9_.-]{0,31}$/i;
const LINE_LIMIT_BYTES = 1024;

/** Starts an SSH server for one connection. Throws BAD_REQUEST, NOT_READY, ACTION_NOT_ALLOWED with what to do. */
export async function openSshServer(
  sandbox: Runner,
  key: ProjectKey,
  { user, publicKey }: SshRequest,
): Promise<SshServer> {
  if (!USER.test(user)) throw new AppError('BAD_REQUEST', 'This cannot be the name of a user.');
  if (!PUBLIC_KEY.test(publicKey))
    throw new AppError('BAD_REQUEST', 'An ed25519 or ECDSA (P-256) public key is needed, without a comment.');
  const words = [user, publicKey, String(KEY_LIFETIME_SECONDS)];
  const program = await sandbox.run(key, ['sh', '-c', SSH_SERVER, 'sh', ...words]);
  const hostKey = await firstLine(program, LINE_LIMIT_BYTES);
  if (hostKey !== undefined && PUBLIC_KEY.test(hostKey)) return { hostKey, program };
  program.stdin.end();
  program.stdout.resume();
  const { exitCode, complaint } = await program.ended;
  throw failure(exitCode, complaint);
}

function failure(exitCode: number, complaint: string): AppError {
  const cause = new Error(`exit code ${exitCode}: ${complaint}`);
  if (exitCode === SSH_EXITS.noServer)
    return new AppError(
      'ACTION_NOT_ALLOWED',
      'There is no sshd in this sandbox. On Debian and Ubuntu, apt-get install openssh-server adds it to the machine.',
      { cause },
    );
  if (exitCode === SSH_EXITS.otherUser)
    return new AppError('ACTION_NOT_ALLOWED', `The user of this sandbox is ${complaint.slice(0, 64)}.`, {
      cause,
    });
  return new AppError('ACTION_NOT_ALLOWED', 'The SSH server of this sandbox did not start.', { cause });
}
