import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { realDisk, type Disk, type NewFile } from './disk.js';

/**
 * What was done to the disk, in order. Something that may be there from now on is noted when it begins; what is sure
 * from now on is noted when it ended, with how far back (`upTo`) it reaches.
 */
export type Operation =
  | { readonly kind: 'make directory'; readonly path: string }
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'write'; readonly file: number; readonly bytes: Buffer }
  | { readonly kind: 'sync file'; readonly file: number; readonly upTo: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  /** A file that another program (a git) made and synced, without its name; it is seen when its folder is synced. */
  | { readonly kind: 'found'; readonly path: string; readonly file: number; readonly bytes: Buffer }
  | { readonly kind: 'sync directory'; readonly path: string; readonly upTo: number }
  | { readonly kind: 'acknowledged'; readonly commit: string };

/** Does everything for real, and keeps the log of it. */
export class RecordingDisk implements Disk {
  readonly log: Operation[] = [];
  readonly #known = new Set<string>();
  #files = 0;

  acknowledged(commit: string): void {
    this.log.push({ kind: 'acknowledged', commit });
  }

  async create(path: string, mode: number): Promise<NewFile> {
    const real = await realDisk.create(path, mode);
    const file = ++this.#files;
    this.#known.add(path);
    this.log.push({ kind: 'create', path, file });
    return {
      write: (bytes) => {
        this.log.push({ kind: 'write', file, bytes });
        return real.write(bytes);
      },
      sync: async () => {
        const upTo = this.log.length;
        await real.sync();
        this.log.push({ kind: 'sync file', file, upTo });
      },
      close: () => real.close(),
    };
  }

  rename(from: string, to: string): Promise<void> {
    this.#known.add(to);
    this.log.push({ kind: 'rename', from, to });
    return realDisk.rename(from, to);
  }

  remove(path: string): Promise<void> {
    this.log.push({ kind: 'remove', path });
    return realDisk.remove(path);
  }

  async makeDirectory(path: string): Promise<void> {
    await realDisk.makeDirectory(path);
    this.#known.add(path);
    this.log.push({ kind: 'make directory', path });
  }

  async syncDirectory(path: string): Promise<void> {
    this.#find(path);
    const upTo = this.log.length;
    await realDisk.syncDirectory(path);
    this.log.push({ kind: 'sync directory', path, upTo });
  }

  #find(directory: string): void {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (this.#known.has(path)) continue;
      if (entry.isDirectory()) this.log.push({ kind: 'make directory', path });
      else if (entry.isFile())
        this.log.push({ kind: 'found', path, file: ++this.#files, bytes: readFileSync(path) });
      this.#known.add(path);
    }
  }
}

/** For repositories that only a test looks at. */
export const diskWithoutSync: Disk = {
  ...realDisk,
  create: async (path, mode) => ({ ...(await realDisk.create(path, mode)), sync: () => Promise.resolve() }),
  syncDirectory: () => Promise.resolve(),
};
