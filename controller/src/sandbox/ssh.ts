import { AppError } from '../contract/errors.js';
import { SSH_KEYS_MAX, type SshOfferDto } from '../contract/ssh.js';
import type { ProjectKey } from '../model/intent.js';
import { inTime } from './answers.js';
import type { Runner, SandboxProgram } from './exec-stream.js';
import { firstLine } from './files.js';
import { PUBLIC_KEY, SSH_EXITS, SSH_OFFER, SSH_SERVER } from './ssh-script.js';

export interface SshRequest {
  /** Whom the client will sign in as. */
  readonly user: string;
  /** Of these the client will show one; they are good for this connection. */
  readonly publicKeys: readonly string[];
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
/** People paste it into a shell of their own machine: whoever works in the sandbox may say anything. */
const FOLDER = /^\/[^\p{Cc}\u2028\u2029]*$/u;
const LINE_LIMIT_BYTES = 1024;
/** A path that the kernel takes, and a user's name. */
const OFFER_LIMIT_BYTES = 8 * 1024;
/** For the first lines. */
const START_LIMIT_MS = 12_000;

/** The SSH servers of sandboxes: one for each connection, and none in between. */
export class SandboxSsh {
  constructor(private readonly sandbox: Runner) {}

  /** What a client has to know beforehand. Throws NOT_READY, ACTION_NOT_ALLOWED with what to do. */
  async offer(key: ProjectKey): Promise<SshOfferDto> {
    const program = await this.#script(key, SSH_OFFER, []);
    program.stdin.end();
    return inTime(program, START_LIMIT_MS, async () => {
      const user = await firstLine(program, OFFER_LIMIT_BYTES);
      const folder = user === undefined ? undefined : await firstLine(program, OFFER_LIMIT_BYTES);
      if (user === undefined || folder === undefined) throw await failureOf(program);
      if (!USER.test(user) || !FOLDER.test(folder)) {
        program.abort();
        throw new AppError(
          'ACTION_NOT_ALLOWED',
          'This sandbox does not say in a usable way whom to sign in as and where.',
        );
      }
      return { user, folder };
    });
  }

  /** Starts a server for one connection. Throws BAD_REQUEST, NOT_READY, ACTION_NOT_ALLOWED with what to do. */
  async open(key: ProjectKey, { user, publicKeys }: SshRequest): Promise<SshServer> {
    if (!USER.test(user)) throw new AppError('BAD_REQUEST', 'This cannot be the name of a user.');
    if (publicKeys.length === 0 || publicKeys.length > SSH_KEYS_MAX || !publicKeys.every(isPublicKey))
      throw new AppError(
        'BAD_REQUEST',
        `From one to ${SSH_KEYS_MAX} public keys are needed, ed25519 or ECDSA (P-256), without comments.`,
      );
    const program = await this.#script(key, SSH_SERVER, [user, String(KEY_LIFETIME_SECONDS), ...publicKeys]);
    return inTime(program, START_LIMIT_MS, async () => {
      const hostKey = await firstLine(program, LINE_LIMIT_BYTES);
      if (hostKey !== undefined && isPublicKey(hostKey)) return { hostKey, program };
      throw await failureOf(program);
    });
  }

  #script(key: ProjectKey, script: string, words: readonly string[]): Promise<SandboxProgram> {
    // The shell stays as long as the server, and other programs of the sandbox can read its environment.
    return this.sandbox.run(key, ['env', '-u', 'TTYD_ACCESS_TOKEN', 'sh', '-c', script, 'sh', ...words]);
  }
}

const isPublicKey = (text: string): boolean => PUBLIC_KEY.test(text);

async function failureOf(program: SandboxProgram): Promise<AppError> {
  program.stdin.end();
  program.stdout.resume();
  const { exitCode, complaint } = await program.ended;
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
