import { userInfo } from 'node:os';
import type { Isolation } from './types.js';

/** A person should know before an agent is let loose in a sandbox. One line for whoever starts the platform. */
export function isolationNotice(isolation: Isolation): string {
  if (isolation.kind === 'none')
    return (
      `Sandboxes on this machine are processes of the user "${userName()}", without isolation: ` +
      `run only what you would run in your own terminal. ${isolation.reason}`
    );
  return isolation.network.own
    ? 'Sandboxes are kept apart by bubblewrap, each with a network of its own.'
    : `Sandboxes are kept apart by bubblewrap. They share the network of this machine: ${isolation.network.reason}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in /etc/passwd, as with `docker run --user 12345`.
    return String(process.getuid?.() ?? 'this user');
  }
}
