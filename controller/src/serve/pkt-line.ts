/** git's framing (gitprotocol-common): four hex digits that say how long the line is, themselves included. */

export const FLUSH = Buffer.from('0000');
const LENGTH_DIGITS = 4;
/** What git calls LARGE_PACKET_MAX. */
const LONGEST = 65_520;

export function packet(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([lengthOf(bytes.length + LENGTH_DIGITS), bytes]);
}

const lengthOf = (length: number): Buffer =>
  Buffer.from(length.toString(16).padStart(LENGTH_DIGITS, '0'), 'latin1');

/** The lines up to the next flush. Throws for anything that is no pkt-line. */
export async function readPackets(take: (bytes: number) => Promise<Buffer>): Promise<readonly string[]> {
  const lines: string[] = [];
  for (;;) {
    const digits = (await take(LENGTH_DIGITS)).toString('latin1');
    if (!/^[0-9a-f]{4}$/.test(digits)) throw new Error('git sent something that is no pkt-line.');
    const length = Number.parseInt(digits, 16);
    if (length === 0) return lines;
    if (length < LENGTH_DIGITS || length > LONGEST)
      throw new Error('git sent a pkt-line of no valid length.');
    lines.push((await take(length - LENGTH_DIGITS)).toString('utf8').replace(/\n$/, ''));
  }
}
