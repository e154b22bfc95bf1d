import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readlink, symlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isErrno } from '../files/durable.js';

/** Too large for a snapshot; the message is for the person. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

export interface CopyLimits {
  readonly files: number;
  readonly bytes: number;
}

export interface Copied {
  /** Of every path, its kind and its content, in one order whatever the disk's is. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
}

/** What is history and not app; it is large, and it remembers secrets that were taken out. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git']);
const AT_ONCE = 16;
const IS_LINUX = process.platform === 'linux';
/** Not blocking: a file that became a pipe meanwhile would be waited for, and hold one of the few threads of this process. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CHUNK_BYTES = 256 * 1024;

/**
 * Copies a folder that somebody may be working in, and says what was copied. Links are copied as links and never
 * followed; one to a place inside by its whole path leads inside the copy. What is no file, folder or link (a socket) has
 * no content to copy. Throws TooLargeError.
 */
export async function copyTree(from: string, to: string, limits: CopyLimits): Promise<Copied> {
  const copy = new TreeCopy(from, to, limits);
  if (!(await copy.folder(''))) throw new Error(`There is no folder ${from}.`);
  const { files, bytes } = copy;
  return { digest: copy.digest(), files, bytes };
}

class TreeCopy {
  files = 0;
  bytes = 0;
  readonly #entries: string[] = [];

  constructor(
    private readonly from: string,
    private readonly to: string,
    private readonly limits: CopyLimits,
  ) {}

  digest(): string {
    // One entry a line, as JSON: no name can look like two.
    return createHash('sha256').update(this.#entries.sort().join('\n')).digest('hex');
  }

  /** Answers whether it was there. */
  async folder(path: string): Promise<boolean> {
    const source = await this.#open(path);
    if (source === undefined) return false;
    let inside: readonly string[];
    try {
      await mkdir(join(this.to, path), { recursive: true, mode: 0o700 });
      inside = await this.#entriesOf(source, path);
    } finally {
      await source.close();
    }
    // Only now, so that one folder is open at a time, however deep they are.
    for (const name of inside)
      if (await this.folder(join(path, name))) this.#note('folder', join(path, name));
    return true;
  }

  /** Copies what is no folder, and answers the names of those that are. */
  async #entriesOf(source: FileHandle, path: string): Promise<readonly string[]> {
    // Everything in it is reached through what is open, whatever lies under its name by now.
    const here = IS_LINUX ? `/proc/self/fd/${source.fd}` : join(this.from, path);
    const entries = (await readdir(here, { withFileTypes: true }).catch(goneMeanwhile)) ?? [];
    const others = entries.filter((entry) => !entry.isDirectory());
    for (let index = 0; index < others.length; index += AT_ONCE)
      await Promise.all(
        others.slice(index, index + AT_ONCE).map((entry) => {
          const inside = join(path, entry.name);
          if (entry.isSymbolicLink()) return this.#link(join(here, entry.name), inside);
          return entry.isFile() ? this.#file(join(here, entry.name), inside) : Promise.resolve();
        }),
      );
    return entries
      .filter((entry) => entry.isDirectory() && !LEFT_OUT.has(entry.name))
      .map((entry) => entry.name);
  }

  /** undefined: it is gone, or it or a folder on the way became a link meanwhile and leads somewhere else. */
  async #open(path: string): Promise<FileHandle | undefined> {
    const place = join(this.from, path);
    const source = await open(place, READ | constants.O_DIRECTORY).catch(goneMeanwhile);
    if (source === undefined || !(await isElsewhere(source.fd, place))) return source;
    await source.close();
    return undefined;
  }

  async #link(source: string, path: string): Promise<void> {
    const target = await readlink(source).catch(goneMeanwhile);
    if (target === undefined) return;
    const within = target === this.from || target.startsWith(`${this.from}/`);
    const kept = within ? relative(dirname(join(this.from, path)), target) || '.' : target;
    await symlink(kept, join(this.to, path));
    this.#note('link', path, kept);
  }

  async #file(place: string, path: string): Promise<void> {
    const source = await open(place, READ).catch(goneMeanwhile);
    if (source === undefined) return;
    try {
      const found = await source.stat();
      if (!found.isFile()) return;
      const { mode } = found;
      const isProgram = (mode & 0o111) !== 0;
      const target = await open(join(this.to, path), 'wx', isProgram ? 0o700 : 0o600);
      const digest = await this.#content(source, target).finally(() => target.close());
      this.files += 1;
      this.#note(isProgram ? 'program' : 'file', path, digest);
    } finally {
      await source.close();
    }
  }

  async #content(source: FileHandle, target: FileHandle): Promise<string> {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null);
      this.#count(bytesRead);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      await target.write(buffer, 0, bytesRead);
    }
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.limits.bytes || this.files > this.limits.files)
      throw new TooLargeError(
        `The workspace is too large to be released: a snapshot has at most ${this.limits.files.toLocaleString('en')} files and ${Math.round(this.limits.bytes / 1024 ** 3)} GiB.`,
      );
  }

  #note(...entry: readonly string[]): void {
    this.#entries.push(JSON.stringify(entry));
  }
}

/** A file that was removed between the look and the copy was not there. */
function goneMeanwhile(error: unknown): undefined {
  // ENXIO: it is a socket now.
  if (isErrno(error, 'ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO')) return undefined;
  throw error;
}

/** Linux tells where an open folder is; elsewhere nobody is kept apart from the engine anyway. */
async function isElsewhere(descriptor: number, expected: string): Promise<boolean> {
  if (!IS_LINUX) return false;
  return (await readlink(`/proc/self/fd/${descriptor}`).catch(() => undefined)) !== expected;
}
