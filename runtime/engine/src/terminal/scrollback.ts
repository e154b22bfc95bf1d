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

/** Without a line end in sight, at least not inside a UTF-8 sequence. */
function fromLineStart(bytes: Buffer): Buffer {
  const line = bytes.indexOf(10);
  if (line !== -1) return bytes.subarray(line + 1);
  let start = 0;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
