import type { Readable } from 'node:stream';

const LINE_END = 0x0a;

/** Takes a stream apart, as much at a time as is asked for, and never more in all than `limit` bytes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer = Buffer.alloc(0);
  #left: number;

  constructor(stream: Readable, limit: number) {
    // At its end a socket would be destroyed, and with it what is to be answered.
    this.#chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    this.#left = limit;
  }

  /** Throws where the stream ends before. */
  async take(bytes: number): Promise<Buffer> {
    while (this.#buffer.length < bytes) if (!(await this.#more())) throw new Error('The stream ended early.');
    return this.#cut(bytes);
  }

  /** Without the line's end. Throws where there is none. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(LINE_END);
      if (end >= 0) return this.#cut(end + 1).toString('utf8', 0, end);
      if (!(await this.#more())) throw new Error('The stream ended early.');
    }
  }

  async rest(): Promise<Buffer> {
    while (await this.#more());
    return this.#cut(this.#buffer.length);
  }

  #cut(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return taken;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#left -= next.value.length;
    if (this.#left < 0) throw new Error('The stream is too long.');
    this.#buffer = Buffer.concat([this.#buffer, next.value]);
    return true;
  }
}
