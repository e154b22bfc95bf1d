import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { isErrno, writeFileDurably } from '../files/durable.js';

/** Reads a secret of 64 hex digits from a file that only this user can read; draws it when it is not there. */
export async function ensureSecret(file: string): Promise<string> {
  try {
    const secret = (await readFile(file, 'utf8')).trim();
    if (/^[0-9a-f]{64}$/.test(secret)) {
      await chmod(file, 0o600);
      return secret;
    }
    throw new Error(`${file} does not hold a key. Restore it from a backup, or delete it to draw a new one.`);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const secret = randomBytes(32).toString('hex');
  await writeFileDurably(file, `${secret}\n`, 0o600);
  return secret;
}
