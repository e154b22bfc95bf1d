import { realDisk, type Disk } from './disk.js';
import type { GitLocation } from './git-process.js';
import { packCount } from './pack-store.js';
import { repack } from './repack.js';

/** More packs than this make every look-up of an object slower. */
const PACKS_MAX = 50;
/** Counting the packs reads a directory: not after each write. */
const WRITES_BETWEEN_LOOKS = 16;

export interface MaintenanceLog {
  warn(context: object, message: string): void;
}

/** Puts small packs together in the background, beside the writer. */
export class Maintenance {
  #writes = 0;
  #running: Promise<void> | undefined;

  constructor(
    private readonly location: GitLocation,
    private readonly log: MaintenanceLog,
    private readonly disk: Disk = realDisk,
  ) {}

  /** After each pack written. Returns at once. */
  packWritten(): void {
    this.#writes += 1;
    if (this.#running !== undefined || this.#writes < WRITES_BETWEEN_LOOKS) return;
    this.#writes = 0;
    this.#running = this.#repackIfNeeded()
      .catch((error: unknown) => {
        this.log.warn(
          { err: error },
          'Packs could not be put together; it is tried again after more writes.',
        );
      })
      .finally(() => (this.#running = undefined));
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #repackIfNeeded(): Promise<void> {
    if ((await packCount(this.location.gitDir)) <= PACKS_MAX) return;
    await repack(this.location, this.disk);
  }
}
