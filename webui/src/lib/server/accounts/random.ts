import { createHash, randomInt } from 'node:crypto';

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789';
const MIXED = `${LOWER}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;

const draw = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');

/** 24 of a-z and 0-9: 124 bits, so two are never the same. */
export const randomUserId = (): string => draw(LOWER, 24);

/** 41 bits: may be taken, the table says so. */
export const randomNamespace = (): string => `ns-${draw(LOWER, 8)}`;

/** 40 letters and digits: 238 bits. */
export const randomSecret = (): string => draw(MIXED, 40);

/**
 * What is stored in place of a session id or an access token. Those are long random strings, so that a fast hash
 * without a salt cannot be turned back by trying.
 */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
