import type { IntentView } from '../../model/intent.js';

/** Cryptographically strong; a test gives its own. */
export type RandomBytes = (size: number) => Uint8Array;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const HOST_LENGTH = 12;
/** The largest multiple of the alphabet's length in a byte: what lies above would make some letters likelier. */
const FAIR = 256 - (256 % ALPHABET.length);
/** 62 bits a host: two equal ones in a row mean that the random source is broken. */
const DRAWS = 20;
const TOKEN_BYTES = 24;

/** Drawn until no project of the installation has it. */
export function drawHost(view: IntentView, random: RandomBytes): string {
  for (let draw = 0; draw < DRAWS; draw++) {
    const host = letters(random, HOST_LENGTH);
    if (!view.hostTaken(host)) return host;
  }
  throw new Error('The random source gives the same values again and again.');
}

/** The terminal's credential: 192 bits, 32 characters that need no quoting anywhere. */
export const drawToken = (random: RandomBytes): string =>
  Buffer.from(random(TOKEN_BYTES)).toString('base64url');

function letters(random: RandomBytes, length: number): string {
  let text = '';
  while (text.length < length)
    for (const byte of random(length))
      if (byte < FAIR && text.length < length) text += ALPHABET[byte % ALPHABET.length] ?? '';
  return text;
}
