import { readFile, readdir } from 'node:fs/promises';
import { pollUntil } from '../files/polling.js';
import { isErrno } from '../files/durable.js';

/** Every process of a sandbox carries these, whatever it does to its process group. */
export const MARKERS = { engine: 'FULLSTACKAGENT_ENGINE', pod: 'FULLSTACKAGENT_POD_UID' } as const;

/**
 * The processes whose environment, as they were started, has this entry. Linux only: elsewhere nobody is found, and
 * only process groups are ended.
 */
export async function processesWith(name: string, value: string): Promise<readonly number[]> {
  const entry = Buffer.from(`${name}=${value}`);
  const ids = (await readdir('/proc').catch(() => [])).filter((id) => /^\d+$/.test(id)).map(Number);
  const found = await Promise.all(ids.map(async (id) => ((await carries(id, entry)) ? [id] : [])));
  return found.flat().filter((id) => id !== process.pid);
}

async function carries(id: number, entry: Buffer): Promise<boolean> {
  const environment = await readFile(`/proc/${id}/environ`).catch(() => Buffer.alloc(0));
  const at = environment.indexOf(entry);
  return at !== -1 && (at === 0 || environment[at - 1] === 0) && (environment[at + entry.length] ?? 0) === 0;
}

function signal(ids: readonly number[], name: NodeJS.Signals): void {
  for (const id of ids)
    try {
      process.kill(id, name);
    } catch (error) {
      if (!isErrno(error, 'ESRCH', 'EPERM')) throw error;
    }
}

/** Asks all of them to end, and after the grace time makes them. New children of theirs are found again and again. */
export async function endProcesses(find: () => Promise<readonly number[]>, graceMs: number): Promise<void> {
  const first = await find();
  if (first.length === 0) return;
  // A shell ends on SIGHUP, a server on SIGTERM; neither is told twice.
  signal(first, 'SIGHUP');
  signal(first, 'SIGTERM');
  const gone = async (): Promise<true | undefined> => ((await find()).length === 0 ? true : undefined);
  if ((await pollUntil(gone, { everyMs: 30, deadlineMs: graceMs })) !== undefined) return;
  await pollUntil(
    async () => {
      signal(await find(), 'SIGKILL');
      return gone();
    },
    { everyMs: 30, deadlineMs: 5000 },
  );
}
