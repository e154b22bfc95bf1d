import { open, rename, type FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';

export interface RotatingFileOptions {
  readonly path: string;
  /** When the file has grown past this many bytes it becomes `<path>.1`, replacing the one before. */
  readonly maxBytes: number;
}

const TAIL_BYTES = 4096;

/**
 * A log file that never takes more than about twice `maxBytes`. Pipe a child's output into it: back-pressure holds.
 * A disk that cannot be written costs log lines, never the process.
 */
export class RotatingFile extends Writable {
  readonly #options: RotatingFileOptions;
  #file: FileHandle | undefined;
  #size = 0;
  #tail = Buffer.alloc(0);

  constructor(options: RotatingFileOptions) {
    super({ decodeStrings: true });
    this.#options = options;
  }

  /** The last 4 KB written, whatever file they went to. */
  tail(): string {
    return this.#tail.toString('utf8');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES);
    this.#append(chunk)
      .catch(() => this.#reset())
      .then(
        () => done(),
        () => done(),
      );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#reset().then(
      () => done(),
      () => done(),
    );
  }

  async #append(chunk: Buffer): Promise<void> {
    if (this.#file !== undefined && this.#size > this.#options.maxBytes) {
      await this.#reset();
      await rename(this.#options.path, `${this.#options.path}.1`);
    }
    this.#file ??= await this.#open();
    await this.#file.appendFile(chunk);
    this.#size += chunk.length;
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#options.path, 'a', 0o600);
    this.#size = (await file.stat()).size;
    return file;
  }

  async #reset(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
