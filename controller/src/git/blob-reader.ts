import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { AppError } from '../contract/errors.js';
import { storageFailure } from './failures.js';
import { spawnGit, type GitLocation } from './git-process.js';

interface Waiting {
  readonly id: string;
  readonly resolve: (content: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

const OBJECT_ID = /^[0-9a-f]{40}$/;
const LINE_END = 0x0a;

/**
 * Reads objects through one long-lived `git cat-file --batch`. Answers come in the order of the questions. The child is
 * started by the first question, and again by the next one after it died.
 */
export class BlobReader {
  #child: ChildProcessWithoutNullStreams | undefined;
  #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes have to be there before looking again is worth while. */
  #needed = 0;
  #closed = false;

  constructor(private readonly location: GitLocation) {}

  /** Rejects with STORAGE_UNAVAILABLE where there is no such object, or git died before it answered. */
  read(id: string): Promise<Buffer> {
    if (!OBJECT_ID.test(id))
      return Promise.reject(new AppError('STORAGE_UNAVAILABLE', `${id} is no object id.`));
    if (this.#closed) return Promise.reject(new AppError('STORAGE_UNAVAILABLE', 'The repository is closed.'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      this.#running().stdin.write(`${id}\n`);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin.end();
    await ended;
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#child) return this.#child;
    const child = spawnGit(this.location, ['cat-file', '--batch']);
    this.#child = child;
    const lost = (cause: unknown): void => {
      if (this.#child === child) this.#fail(storageFailure('git stopped answering.', cause));
    };
    child.stdout.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    // A write to a dead child fails here and its end is told by 'close'.
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    child.once('error', lost);
    child.once('close', (code) => {
      lost(new Error(`git cat-file ended with code ${code ?? '?'}`));
    });
    return child;
  }

  #fail(error: AppError): void {
    const lost = this.#waiting;
    this.#child = undefined;
    this.#waiting = [];
    this.#chunks = [];
    this.#length = 0;
    this.#needed = 0;
    for (const { reject } of lost) reject(error);
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (let used = this.#answer(buffer); used > 0; used = this.#answer(buffer))
      buffer = buffer.subarray(used);
    this.#chunks = buffer.length > 0 ? [buffer] : [];
    this.#length = buffer.length;
  }

  /** Answers the oldest question if its answer is all there; how many bytes that was. */
  #answer(buffer: Buffer): number {
    const end = buffer.indexOf(LINE_END);
    this.#needed = 0;
    if (end < 0) return 0;
    const [, kind = '', size = ''] = buffer.toString('latin1', 0, end).split(' ');
    if (kind === 'missing') {
      const { id, reject } = this.#next();
      reject(new AppError('STORAGE_UNAVAILABLE', `The repository is damaged: object ${id} is missing.`));
      return end + 1;
    }
    const last = end + 1 + Number(size);
    this.#needed = last + 1;
    if (buffer.length < this.#needed) return 0;
    // A copy: the chunk it lies in may be far larger than what somebody keeps of it.
    this.#next().resolve(Buffer.from(buffer.subarray(end + 1, last)));
    return last + 1;
  }

  #next(): Waiting {
    const next = this.#waiting.shift();
    if (next === undefined) throw new Error('git cat-file answered a question nobody asked.');
    return next;
  }
}
