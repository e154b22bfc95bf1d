import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileDurably } from '../files/durable.js';
import { pollUntil } from '../files/polling.js';
import { startMark, stillRuns, type Marked } from './process-identity.js';

const record = z.array(z.object({ name: z.string(), pid: z.int(), mark: z.string() }));
export type ChildEntry = z.infer<typeof record>[number];

/** How long children of a killed supervisor have to notice, stop their work and go. */
const PATIENCE_MS = 10_000;

/** Which processes this life started, on disk: after `kill -9` the next life waits for them, so nothing runs twice. */
export class ChildRecord {
  readonly #file: string;
  readonly #entries = new Map<string, ChildEntry>();
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  async add(name: string, pid: number): Promise<void> {
    const mark = await startMark(pid);
    if (mark !== undefined) this.#entries.set(name, { name, pid, mark });
    await this.#write();
  }

  async remove(name: string): Promise<void> {
    this.#entries.delete(name);
    await this.#write();
  }

  /** Resolves when everything is on disk. */
  settled(): Promise<void> {
    return this.#writing.catch(() => undefined);
  }

  #write(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(() => writeFileDurably(this.#file, `${JSON.stringify([...this.#entries.values()])}\n`, 0o600));
    return this.#writing;
  }
}

/** Waits until the children of an earlier life are gone; those that stay too long are killed. Answers their names. */
export async function outliveEarlierChildren(file: string): Promise<string[]> {
  const entries = await readEntries(file);
  let left = await running(entries);
  if (left.length === 0) return [];
  await pollUntil(
    async () => {
      left = await running(left);
      return left.length === 0 ? true : undefined;
    },
    { everyMs: 50, deadlineMs: PATIENCE_MS },
  );
  // Not one of which it is unknown whether it is a stranger that has the number now.
  for (const entry of left) if (await stillRuns(entry).catch(() => false)) kill(entry.pid);
  return entries.map(({ name }) => name);
}

async function readEntries(file: string): Promise<ChildEntry[]> {
  try {
    return record.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Not there, or cut off by a crash of an older version: then there is nothing to go by.
    return [];
  }
}

/** What cannot be asked counts as running: nothing is to run twice. */
async function running<T extends Marked>(entries: readonly T[]): Promise<T[]> {
  const alive = await Promise.all(entries.map((entry) => stillRuns(entry).catch(() => true)));
  return entries.filter((_entry, index) => alive[index]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone between the look and the signal.
  }
}
