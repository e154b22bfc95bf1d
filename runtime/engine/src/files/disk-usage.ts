import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, statfs } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { isErrno } from './durable.js';

/** How much a folder takes on the disk, and how much is left there. */
export interface Usage {
  /** Absent while it is measured for the first time: a folder of a million files takes its time. */
  readonly usedBytes?: number;
  /** RFC 3339. */
  readonly measuredAt?: string;
  /** For this user, on the file system that the folder is on. */
  readonly freeBytes: number;
}

export interface DiskUsageOptions {
  /** Bytes of a folder, as the disk counts them. */
  readonly measure?: (folder: string) => Promise<number>;
  readonly now?: () => Date;
  /** A figure this old is measured anew when somebody asks. */
  readonly freshForMs?: number;
  /** How long whoever asks waits for a measurement; later the last known figure has to do. */
  readonly patienceMs?: number;
}

interface Known {
  readonly usedBytes: number;
  readonly at: Date;
}

/** The others wait meanwhile; whoever fills a folder with files says how long it takes. */
const LIMIT_MS = 5 * 60_000;

/** Measures what is asked for and nothing else: each folder once a minute at most, and one folder at a time. */
export class DiskUsage {
  readonly #options: Required<DiskUsageOptions>;
  readonly #known = new Map<string, Known>();
  readonly #measuring = new Map<string, Promise<void>>();
  #chain: Promise<unknown> = Promise.resolve();

  constructor(options: DiskUsageOptions = {}) {
    const usual = { measure: measured, now: () => new Date(), freshForMs: 60_000, patienceMs: 3_000 };
    this.#options = { ...usual, ...options };
  }

  /** Rejects with the system's error where there is no such folder. */
  async of(folder: string): Promise<Usage> {
    const { bavail, bsize } = await statfs(folder);
    const { now, freshForMs, patienceMs } = this.#options;
    const age = now().getTime() - (this.#known.get(folder)?.at.getTime() ?? -Infinity);
    if (age >= freshForMs) await settledWithin(this.#measure(folder), patienceMs);
    const known = this.#known.get(folder);
    const freeBytes = bavail * bsize;
    if (known === undefined) return { freeBytes };
    return { usedBytes: known.usedBytes, measuredAt: known.at.toISOString(), freeBytes };
  }

  #measure(folder: string): Promise<void> {
    const running = this.#measuring.get(folder);
    if (running !== undefined) return running;
    const { measure, now } = this.#options;
    const mine = this.#chain.then(async () => {
      const usedBytes = await measure(folder);
      this.#known.set(folder, { usedBytes, at: now() });
    });
    const ended = mine
      .catch(() => undefined)
      .then(() => this.#forgetGone())
      .finally(() => this.#measuring.delete(folder));
    this.#chain = ended;
    this.#measuring.set(folder, ended);
    return ended;
  }

  /** What is not there any more is not asked for again. */
  async #forgetGone(): Promise<void> {
    for (const folder of this.#known.keys()) if (!(await isThere(folder))) this.#known.delete(folder);
  }
}

const isThere = (folder: string): Promise<boolean> =>
  access(folder).then(
    () => true,
    (error: unknown) => !isErrno(error, 'ENOENT'),
  );

/**
 * Blocks on this file system; a file with several names counts once. What cannot be looked at makes `du` complain, and its
 * sum is right all the same. Whoever works in the folder says how often it complains: nobody keeps that.
 */
async function measured(folder: string): Promise<number> {
  const child = spawn('du', ['-skx', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  const said = await Promise.race([textOf(child.stdout), failed]);
  const kib = /^(\d+)\s/.exec(said)?.[1];
  if (kib === undefined) throw new Error('du said nothing');
  return Number(kib) * 1024;
}

async function settledWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
