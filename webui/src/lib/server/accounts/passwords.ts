import { hash, verify, type Options } from '@node-rs/argon2';
import { randomSecret } from './random.js';

/** The OWASP password storage cheat sheet's: 19 MiB, 2 passes, 1 lane. Argon2id is what the library takes by itself. */
const options: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const hashPassword = (password: string): Promise<string> => hash(password, options);

let dummy: Promise<string> | undefined;

/**
 * True where `password` belongs to `stored`. Without a stored hash (nobody is called that) the same work is done, so
 * that the time an answer takes does not say whether somebody has an account.
 */
export async function verifyPassword(stored: string | undefined, password: string): Promise<boolean> {
  dummy ??= hashPassword(randomSecret());
  const matches = await verify(stored ?? (await dummy), password).catch(() => false);
  return stored !== undefined && matches;
}
