import { mkdir, open, rename, rm } from 'node:fs/promises';

/**
 * The operations by which something comes to be on the disk, and nothing else: what a machine that loses its power
 * keeps depends on these and on their order. Reading is not here, it leaves nothing behind.
 */
export interface Disk {
  /** A file that is not there yet; EEXIST where it is. Its name is sure only after {@link syncDirectory}. */
  create(path: string, mode: number): Promise<NewFile>;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where it is gone already. */
  remove(path: string): Promise<void>;
  /** One folder, in a folder that is there; EEXIST where it is. */
  makeDirectory(path: string): Promise<void>;
  /** Names made, changed or removed in this folder before the call are sure when it answers. */
  syncDirectory(path: string): Promise<void>;
}

export interface NewFile {
  write(bytes: Buffer): Promise<void>;
  /** The bytes written before the call are sure when it answers. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const realDisk: Disk = {
  async create(path, mode) {
    const file = await open(path, 'wx', mode);
    return {
      write: (bytes) => file.writeFile(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  async makeDirectory(path) {
    await mkdir(path);
  },
  async syncDirectory(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      // Nobody has to wait for it, and what a directory is closed with says nothing about what was synced.
      handle.close().catch(() => undefined);
    }
  },
};
