/** The last output of a session, for whoever attaches next. Bounded, and cut at a line so that no sequence is torn. */
export class Scrollback {
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(private readonly maxBytes = 256 * 1024) {}

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // Now and then instead of every time: trimming copies everything.
    if (this.#size > this.maxBytes * 2) this.#trim();
  }

  content(): Buffer {
    this.#trim();
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #trim(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = all.length > this.maxBytes ? fromLineStart(all.subarray(all.length - this.maxBytes)) : all;
    this.#chunks = [Buffer.from(kept)];
    this.#size = kept.length;
  }
}

const QUERIES = new RegExp(
  [
    '\\x05', // ENQ
    '\\x1b\\[[>=]?\\d*c', // device attributes
    '\\x1b\\[\\??\\d*n', // status and cursor position
    '\\x1b\\[\\??\\d+\\$p', // is a mode set?
    '\\x1b\\[>\\d*q', // version
    '\\x1b\\[\\?u', // keyboard protocol
    '\\x1b\\[(?:1[1-9]|2[01])(?:;\\d+)?t', // size and title of the window
    '\\x1bP[$+]q[^\\x1b]*\\x1b\\\\', // settings and capabilities
    '\\x1b\\]52;[^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)', // clipboard, read and written
    '\\x1b\\]\\d+;(?:[^\\x07\\x1b]*;)?\\?(?:\\x07|\\x1b\\\\)', // colours
  ].join('|'),
  'g',
);

/**
 * Output for a terminal that looks at it later: without what programs once asked of theirs, and copied. A terminal
 * answers such questions by typing, and nobody waits for these answers any more but the shell. What was copied once
 * would take the place of what a person has copied since.
 */
export const withoutQueries = (output: Buffer): Buffer =>
  Buffer.from(output.toString('latin1').replace(QUERIES, ''), 'latin1');

/** Without a line end in sight, at least not inside a UTF-8 sequence. */
function fromLineStart(bytes: Buffer): Buffer {
  const line = bytes.indexOf(10);
  if (line !== -1) return bytes.subarray(line + 1);
  let start = 0;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
