import type { IPty } from '@lydell/node-pty';

/** What may wait for one pty before whoever types has to, and where typing goes on. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 128 * 1024;
/** What a waiting write costs beside its bytes: a million key presses are more than a megabyte. */
const WRITE_COST = 256;

/** What is typed and pasted, on its way to a program that may not read it. */
export class PtyInput {
  #waiting = 0;
  #ended = false;

  constructor(private readonly pty: IPty) {
    pty.onExit(() => {
      this.#ended = true;
    });
  }

  /** Takes all of it, and answers false where no more should come until there is room. */
  write(data: Buffer): boolean {
    if (this.#ended) return true;
    this.pty.write(data as unknown as string);
    this.#waiting = this.#queued() === 0 ? 0 : this.#waiting + data.length + WRITE_COST;
    return this.#waiting < HIGH_WATER;
  }

  hasRoom(): boolean {
    if (this.#ended) return true;
    const queued = this.#queued();
    if (queued > LOW_WATER) return false;
    this.#waiting = queued;
    return true;
  }

  /** node-pty has no way to ask; its stream does. Nobody else would know that a program does not read. */
  #queued(): number {
    const { _socket: stream } = this.pty as unknown as {
      readonly _socket: { readonly writableLength: number };
    };
    return stream.writableLength;
  }
}
