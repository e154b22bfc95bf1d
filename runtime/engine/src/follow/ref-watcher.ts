import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../files/durable.js';
import { UnreadableError } from './object-reader.js';

const POLL_MS = 2000;
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * The commit a branch is at, read as git reads it: the loose file first, then packed-refs, which may be older. Only where
 * there is no loose file: one that cannot be read is no reason to go back to an older commit. Throws for that.
 */
export async function readRef(repository: string, ref: string): Promise<string | undefined> {
  const loose = await readIfThere(join(repository, ref));
  if (loose !== undefined) {
    const commit = loose.trim();
    if (COMMIT.test(commit)) return commit;
    throw new UnreadableError(`${ref} does not hold a commit.`);
  }
  const packed = (await readIfThere(join(repository, 'packed-refs'))) ?? '';
  const line = packed.split('\n').find((candidate) => candidate.endsWith(` ${ref}`));
  if (line === undefined) return undefined;
  const commit = line.slice(0, 40);
  if (COMMIT.test(commit)) return commit;
  throw new UnreadableError(`${ref} does not hold a commit in packed-refs.`);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new UnreadableError(`${file} cannot be read.`, { cause: error });
  }
}

/**
 * Tells when a branch may have moved: at once where the file system says so, within two seconds where it does not. The
 * repository may appear later.
 */
export class RefWatcher {
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: string,
    private readonly onMoved: () => void,
  ) {}

  start(): void {
    this.#poll = setInterval(() => {
      this.onMoved();
      if (this.#watcher === undefined) void this.#watch();
    }, POLL_MS);
    void this.#watch();
    this.onMoved();
  }

  stop(): void {
    clearInterval(this.#poll);
    this.#watcher?.close();
  }

  async #watch(): Promise<void> {
    const folder = dirname(this.file);
    if (this.#poll === undefined || !(await stat(folder).catch(() => undefined))?.isDirectory()) return;
    try {
      this.#watcher ??= watch(folder, () => {
        this.onMoved();
      }).on('error', () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      // No watches left on this machine: polling goes on.
    }
    this.onMoved();
  }
}
