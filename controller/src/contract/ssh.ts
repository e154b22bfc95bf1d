/**
 * The WebSocket subprotocol of a connection to a sandbox's SSH server. The first message is text, an {@link SshGreeting};
 * every other message is binary: SSH's bytes, in order, cut anywhere. Close codes are those of a terminal.
 */
export const SSH_PROTOCOL = 'ssh.fullstackagent.dev';

/** Longer messages end the connection. */
export const SSH_MESSAGE_MAX_BYTES = 1024 * 1024;

/** How many public keys a client may name. It shows one of them, and need not know yet which. */
export const SSH_KEYS_MAX = 3;

export interface SshGreeting {
  /** As known_hosts writes it, without the host. */
  readonly hostKey: string;
}

/** How a sandbox is reached by SSH. */
export interface SshOfferDto {
  /** Whom to sign in as: no other user is taken. */
  readonly user: string;
  /** Where a session begins: the workspace, as the sandbox sees it. */
  readonly folder: string;
}
