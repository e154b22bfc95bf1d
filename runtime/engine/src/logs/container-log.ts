import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { RotatingFile } from '../files/rotating-file.js';
import { LineSplitter } from './line-splitter.js';
import { parsed, stored, type LogLine, type Source } from './log-line.js';

export interface ContainerLogOptions {
  /** Of this container alone. */
  readonly folder: string;
  readonly now: () => Date;
  /** One life keeps about twice as much. */
  readonly maxBytes?: number;
}

/** What was there, and what comes from that moment on. */
export interface Following {
  readonly lines: readonly LogLine[];
  readonly stop: () => void;
}

const MAX_BYTES = 4 * 1024 * 1024;
const LAST_WORDS_CHARS = 4096;
const CURRENT = 'current.log';
const PREVIOUS = 'previous.log';
/** What {@link RotatingFile} calls the older half. */
const OLDER = '.1';

/**
 * What a container prints, on the disk: its life now and the one before. Whoever follows gets each line once: reading
 * and writing take turns.
 */
export class ContainerLog {
  #file: RotatingFile | undefined;
  #life = 0;
  #tail = '';
  #turn: Promise<unknown> = Promise.resolve();
  readonly #followers = new Set<(line: LogLine) => void>();

  constructor(private readonly options: ContainerLogOptions) {}

  /** The end of what this life printed. */
  get tail(): string {
    return this.#tail;
  }

  /** Another life begins: what is there becomes that of the one before. */
  begin(): void {
    this.#life += 1;
    this.#tail = '';
    void this.#inTurn(async () => {
      const { folder, maxBytes = MAX_BYTES } = this.options;
      await this.#end();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const half of [OLDER, '']) {
        await rm(join(folder, PREVIOUS + half), { force: true });
        await rename(join(folder, CURRENT + half), join(folder, PREVIOUS + half)).catch(() => undefined);
      }
      this.#file = new RotatingFile({ path: join(folder, CURRENT), maxBytes });
    }).catch(() => undefined);
  }

  /** Where a stream of this life goes. What comes when another has begun is dropped. */
  sink(source: Source): Writable {
    const life = this.#life;
    const splitter = new LineSplitter(this.options.now);
    const take = (lines: readonly LogLine[], done: () => void): void => {
      if (lines.length === 0 || life !== this.#life) done();
      else void this.#append(source, lines).finally(done);
    };
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        take(splitter.take(chunk), done);
      },
      final: (done) => {
        take(splitter.end(), done);
      },
    });
  }

  /** Undefined where there was no life before. */
  previous(): Promise<readonly LogLine[] | undefined> {
    return this.#inTurn(() => this.#read(PREVIOUS));
  }

  current(): Promise<readonly LogLine[]> {
    return this.#inTurn(async () => (await this.#read(CURRENT)) ?? []);
  }

  follow(listener: (line: LogLine) => void): Promise<Following> {
    return this.#inTurn(async () => {
      const lines = (await this.#read(CURRENT)) ?? [];
      this.#followers.add(listener);
      return { lines, stop: () => this.#followers.delete(listener) };
    });
  }

  /** Everything is on the disk, and nothing more comes. */
  async close(): Promise<void> {
    this.#life += 1;
    this.#followers.clear();
    await this.#inTurn(() => this.#end());
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.options.folder, { recursive: true, force: true });
  }

  async #append(source: Source, lines: readonly LogLine[]): Promise<void> {
    const words = lines.map(({ text, ends }) => (ends ? `${text}\n` : text)).join('');
    this.#tail = (this.#tail + words).slice(-LAST_WORDS_CHARS);
    await this.#inTurn(async () => {
      const file = this.#file;
      if (file === undefined) return;
      const bytes = lines.map((line) => stored(source, line)).join('');
      await new Promise<void>((resolve) => {
        file.write(bytes, () => resolve());
      });
      for (const line of lines) for (const listener of this.#followers) listener(line);
    });
  }

  async #end(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await new Promise<void>((resolve) => file.end(() => resolve()));
  }

  async #read(name: string): Promise<readonly LogLine[] | undefined> {
    const path = join(this.options.folder, name);
    const halves = await Promise.all(
      [path + OLDER, path].map((half) => readFile(half, 'utf8').catch(() => undefined)),
    );
    const there = halves.filter((half) => half !== undefined);
    if (there.length === 0) return undefined;
    return there
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map(parsed);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
