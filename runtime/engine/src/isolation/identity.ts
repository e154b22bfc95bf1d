import { createHash } from 'node:crypto';

/** Who people are inside: the user of the sandbox image. */
export const INSIDE_UID = 1001;

/** Above what systems and container runtimes give out, below what programs take for a negative number. */
const FIRST = 100_000_000;
const COUNT = 2_000_000_000;

/**
 * As root: the user that the processes of a sandbox have on this machine. The same at each start, so that its files stay
 * its own, and with this many nobody else's.
 */
export const uidOf = (sandbox: string): number =>
  FIRST + (createHash('sha256').update(sandbox).digest().readUInt32BE(0) % COUNT);

/** Becomes that user, for good: nothing that a set-uid program offers, and nothing of root's groups. */
export const asUser = (setpriv: string, uid: number): readonly string[] => [
  ...[setpriv, '--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--no-new-privs', '--'],
];
