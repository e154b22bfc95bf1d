import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const POLL_MS = 2000;
const COMMIT = /^[0-9a-f]{40}$/;

/** The commit a branch is at, read as git reads it: the loose file first, then packed-refs. */
export async function readRef(repository: string, ref: string): Promise<string | undefined> {
  const loose = (await readFile(join(repository, ref), 'utf8').catch(() => '')).trim();
  if (COMMIT.test(loose)) return loose;
  const packed = await readFile(join(repository, 'packed-refs'), 'utf8').catch(() => '');
  const line = packed.split('\n').find((candidate) => candidate.endsWith(` ${ref}`));
  const commit = line?.slice(0, 40) ?? '';
  return COMMIT.test(commit) ? commit : undefined;
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
