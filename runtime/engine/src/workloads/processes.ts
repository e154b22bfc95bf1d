import { readFile, readdir } from 'node:fs/promises';
import { pollUntil } from '../files/polling.js';
import { isErrno } from '../files/durable.js';
import { number, type KubeObject } from '../store/object.js';

/**
 * Every process of a sandbox inherits these, in whatever session or group it puts itself (`setsid`, `nohup`). Only one
 * that clears its environment is not found.
 */
export const MARKERS = {
  engine: 'FULLSTACKAGENT_ENGINE',
  pod: 'FULLSTACKAGENT_POD_UID',
  /** What keeps a sandbox's namespaces and network, and is no program of it. */
  keeper: 'FULLSTACKAGENT_KEEPER',
} as const;

/**
 * The processes whose environment, as they were started, has this entry. When the engine is killed its terminals hang up
 * and the shells end; what does not mind that (`setsid`, `nohup`) lives until the next start of the engine, which finds
 * it here and ends it. Linux only: elsewhere nobody is found, and of a pod only the shells are told to end.
 */
export const processesWith = (name: string, value: string): Promise<readonly number[]> =>
  processesWhere((environment) => carries(environment, `${name}=${value}`));

/**
 * A pod's programs, without what keeps its namespaces: told to end, those would take everything inside with them at once,
 * and nothing would have its grace time.
 */
export const programsOfPod = (uid: string): Promise<readonly number[]> =>
  processesWhere(
    (environment) =>
      carries(environment, `${MARKERS.pod}=${uid}`) && !carries(environment, `${MARKERS.keeper}=yes`),
  );

/** A program chooses its environment, up to megabytes of it, and a sandbox how many programs it starts. */
const AT_ONCE = 16;

/** The processes of a group without the one that leads it. */
export async function followersOf(group: number): Promise<readonly number[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((id) => /^\d+$/.test(id)).map(Number);
  const groups = await Promise.all(
    ids.map(async (id) => {
      const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
      // The name before it is in parentheses, and may hold any.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
    }),
  );
  return ids.filter((id, index) => groups[index] === group && id !== group);
}

async function processesWhere(matches: (environment: Buffer) => boolean): Promise<readonly number[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((id) => /^\d+$/.test(id)).map(Number);
  const found: number[] = [];
  for (let index = 0; index < ids.length; index += AT_ONCE) {
    const some = ids.slice(index, index + AT_ONCE);
    const carry = await Promise.all(some.map(async (id) => matches(await environmentOf(id))));
    found.push(...some.filter((_id, place) => carry[place]));
  }
  return found.filter((id) => id !== process.pid);
}

const environmentOf = (id: number): Promise<Buffer> =>
  readFile(`/proc/${id}/environ`).catch(() => Buffer.alloc(0));

function carries(environment: Buffer, text: string): boolean {
  const entry = Buffer.from(text);
  const at = environment.indexOf(entry);
  return at !== -1 && (at === 0 || environment[at - 1] === 0) && (environment[at + entry.length] ?? 0) === 0;
}

/** Kubernetes' own, where a pod says nothing. */
const DEFAULT_GRACE_SECONDS = 30;

/** How long a pod may take to end: as long as whoever deleted it said, or else as its manifest says. */
export const graceSecondsOf = (pod: KubeObject): number =>
  number(pod, 'metadata', 'deletionGracePeriodSeconds') ??
  number(pod, 'spec', 'terminationGracePeriodSeconds') ??
  DEFAULT_GRACE_SECONDS;

export function signal(ids: readonly number[], name: NodeJS.Signals): void {
  for (const id of ids)
    try {
      process.kill(id, name);
    } catch (error) {
      if (!isErrno(error, 'ESRCH', 'EPERM')) throw error;
    }
}

/** An interactive shell ends on SIGHUP and ignores SIGTERM, a server may take SIGHUP for "read your files again". */
const FOR_SHELLS: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGTERM'];
/** What Kubernetes sends. A server that ends in order on SIGTERM would just end on SIGHUP. */
export const FOR_SERVERS: readonly NodeJS.Signals[] = ['SIGTERM'];

/** Most end at once; after that time nobody looks so often for the rest of a long grace time. */
const SOON_MS = 1000;

/** Asks all of them to end, and after the grace time makes them. New children of theirs are found again and again. */
export async function endProcesses(
  find: () => Promise<readonly number[]>,
  graceMs: number,
  asking = FOR_SHELLS,
): Promise<void> {
  const first = await find();
  if (first.length === 0) return;
  for (const name of asking) signal(first, name);
  const gone = async (): Promise<true | undefined> => ((await find()).length === 0 ? true : undefined);
  const soon = { everyMs: 30, deadlineMs: Math.min(graceMs, SOON_MS) };
  if ((await pollUntil(gone, soon)) !== undefined) return;
  const later = { everyMs: 300, deadlineMs: graceMs - SOON_MS };
  if (graceMs > SOON_MS && (await pollUntil(gone, later)) !== undefined) return;
  await pollUntil(
    async () => {
      signal(await find(), 'SIGKILL');
      return gone();
    },
    { everyMs: 30, deadlineMs: 5000 },
  );
}
