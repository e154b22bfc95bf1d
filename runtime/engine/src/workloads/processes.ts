import { readFile, readdir } from 'node:fs/promises';
import { pollUntil } from '../files/polling.js';
import { isErrno } from '../files/durable.js';

/**
 * Every process of a sandbox inherits these, in whatever session or group it puts itself (`setsid`, `nohup`). Only one
 * that clears its environment is not found.
 */
export const MARKERS = { engine: 'FULLSTACKAGENT_ENGINE', pod: 'FULLSTACKAGENT_POD_UID' } as const;

/**
 * The processes whose environment, as they were started, has this entry. When the engine is killed its terminals hang up
 * and the shells end; what does not mind that (`setsid`, `nohup`) lives until the next start of the engine, which finds
 * it here and ends it. Linux only: elsewhere nobody is found, and of a pod only the shells are told to end.
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
  // An interactive shell ends on SIGHUP and ignores SIGTERM, a server may take SIGHUP for "read your files again".
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
