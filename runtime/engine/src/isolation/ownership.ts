import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';

/**
 * Gives a folder and everything below it to a user; links themselves, never what they point to. Nothing is done where the
 * folder is theirs already: whoever it was given to has made the rest.
 */
export async function ownTree(path: string, uid: number): Promise<void> {
  if ((await stat(path)).uid === uid) return;
  // Below first: where this is cut off, the folder itself says that it was not done.
  const child = spawn('chown', ['--recursive', '--no-dereference', '-P', `${uid}:${uid}`, '--', path], {
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${path} cannot be given to its sandbox.`);
}
