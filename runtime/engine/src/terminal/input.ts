import { writeSync } from 'node:fs';
import type { IPty } from '@lydell/node-pty';
import { isErrno } from '../files/durable.js';

/** What may wait for one pty before whoever types has to, and where typing goes on. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 128 * 1024;
/** What a waiting write costs beside its bytes: a million key presses are more than a megabyte. */
const WRITE_COST = 256;
const RETRY_MS = 5;

/** What node-pty keeps on Linux and macOS and does not declare. */
interface UnixPty {
  readonly fd: number;
  readonly _socket: { readonly destroyed: boolean };
}

/**
 * What is typed and pasted, on its way to a program that may not read it. Not through the pty's own `write`: libuv takes
 * the master's side for a blocking stream, and tries again without end, and without doing anything else, until the
 * program reads. One program would stop the whole engine.
 */
export class PtyInput {
  readonly #pty: UnixPty;
  #queue: Buffer[] = [];
  #waiting = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(pty: IPty) {
    this.#pty = pty as unknown as UnixPty;
    pty.onExit(() => {
      this.#forget();
    });
  }

  /** Takes all of it, and answers false where no more should come until there is room. */
  write(data: Buffer): boolean {
    this.#queue.push(data);
    this.#waiting += data.length + WRITE_COST;
    if (this.#retry === undefined) this.#flush();
    return this.#waiting < HIGH_WATER;
  }

  hasRoom(): boolean {
    return this.#waiting < LOW_WATER;
  }

  #flush(): void {
    this.#retry = undefined;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const written = this.#tryWrite(head);
      if (written === undefined) return;
      this.#waiting -= written;
      if (written < head.length) this.#queue[0] = head.subarray(written);
      else {
        this.#queue.shift();
        this.#waiting -= WRITE_COST;
      }
    }
  }

  /** Undefined where it is not to go on now. Synchronous: no other file can have got this number meanwhile. */
  #tryWrite(data: Buffer): number | undefined {
    try {
      if (!this.#pty._socket.destroyed) return writeSync(this.#pty.fd, data);
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) {
        this.#retry = setTimeout(() => {
          this.#flush();
        }, RETRY_MS);
        return undefined;
      }
      // The shell has just ended; its exit is on the way.
    }
    this.#forget();
    return undefined;
  }

  #forget(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#queue = [];
    this.#waiting = 0;
  }
}
