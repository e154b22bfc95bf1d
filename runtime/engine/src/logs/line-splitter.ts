import { StringDecoder } from 'node:string_decoder';
import { stamp, type LogLine } from './log-line.js';

/** What container runtimes cut at, too. */
const LONGEST = 16 * 1024;

/** Bytes as they come, to lines with their times. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(private readonly now: () => Date) {}

  take(chunk: Buffer): readonly LogLine[] {
    return this.#split(this.#decoder.write(chunk));
  }

  /** Nothing more comes: what was said without a line's end is said. */
  end(): readonly LogLine[] {
    const lines = this.#split(this.#decoder.end());
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? lines : [...lines, { at: stamp(this.now()), text: rest, ends: true }];
  }

  #split(words: string): readonly LogLine[] {
    const at = stamp(this.now());
    const parts = (this.#rest + words).split('\n');
    const last = parts.pop() ?? '';
    const kept = last.length % LONGEST;
    // A line that does not end is not kept in memory until it does.
    const begun = last.slice(0, last.length - kept);
    this.#rest = last.slice(last.length - kept);
    const whole = parts.flatMap((text) =>
      pieces(text).map((piece, index, all) => ({ at, text: piece, ends: index === all.length - 1 })),
    );
    return begun === '' ? whole : [...whole, ...pieces(begun).map((text) => ({ at, text, ends: false }))];
  }
}

function pieces(text: string): readonly string[] {
  const count = Math.max(1, Math.ceil(text.length / LONGEST));
  return Array.from({ length: count }, (_, index) => text.slice(index * LONGEST, (index + 1) * LONGEST));
}
