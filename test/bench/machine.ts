import { setTimeout as pause } from 'node:timers/promises';
import { cpuOf, memoryOf, processesBelow, switchesOf, type Process } from '../support/processes.js';

const MEBIBYTE = 1024 * 1024;

/** Proportional set size of everything of a home folder: memory that is shared is counted once, among those who share. */
export const megabytes = (home: string): number =>
  processesBelow(home).reduce((sum, { pid }) => sum + memoryOf(pid), 0) / MEBIBYTE;

export const megabytesOf = ({ pid }: Process): number => memoryOf(pid) / MEBIBYTE;

/** Which part of the platform a process is; sandboxes and databases are told by what they are not. */
export function roleOf({ command }: Process): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/webui\/server\.js/, 'portal'],
    [/controller\/dist/, 'controller'],
    [/scripts\/start\.mjs|platform\/main/, 'supervisor'],
    [/engine\/dist/, 'engine'],
    [/postgres/, 'postgres'],
    [/bwrap/, 'bubblewrap'],
    [/pasta/, 'pasta'],
  ];
  return known.find(([pattern]) => pattern.test(command))?.[1] ?? command.split(' ')[0] ?? '';
}

export function portalOf(home: string): Process {
  const portal = processesBelow(home).find((candidate) => roleOf(candidate) === 'portal');
  if (portal === undefined) throw new Error('the portal does not run');
  return portal;
}

export interface Rest {
  /** Share of one core, in percent. */
  readonly percent: number;
  /** How often something of it woke up, a second. */
  readonly wakes: number;
  /** What used most, for whoever looks for a cause. */
  readonly most: readonly string[];
}

interface Sample {
  readonly role: string;
  readonly cpu: number;
  readonly switches: number;
}

const sample = (home: string): ReadonlyMap<number, Sample> =>
  new Map(
    processesBelow(home).map((process) => [
      process.pid,
      { role: roleOf(process), cpu: cpuOf(process.pid), switches: switchesOf(process.pid) },
    ]),
  );

/** What the platform uses while nobody asks it for anything. */
export async function restOf(home: string, seconds: number): Promise<Rest> {
  // By then the collector has given back what starting and asking took.
  await pause(30_000);
  const before = sample(home);
  const since = performance.now();
  await pause(seconds * 1000);
  const after = sample(home);
  const took = (performance.now() - since) / 1000;
  const byRole = new Map<string, { cpu: number; switches: number }>();
  for (const [pid, { role, cpu, switches }] of after) {
    const earlier = before.get(pid) ?? { cpu: 0, switches: 0 };
    const sum = byRole.get(role) ?? { cpu: 0, switches: 0 };
    byRole.set(role, {
      cpu: sum.cpu + cpu - earlier.cpu,
      switches: sum.switches + switches - earlier.switches,
    });
  }
  const all = [...byRole].map(([role, { cpu, switches }]) => ({
    role,
    percent: (cpu / took) * 100,
    wakes: switches / took,
  }));
  const total = (of: (entry: (typeof all)[number]) => number): number =>
    all.reduce((sum, entry) => sum + of(entry), 0);
  return {
    percent: total(({ percent }) => percent),
    wakes: total(({ wakes }) => wakes),
    most: all
      .sort((a, b) => b.percent - a.percent || b.wakes - a.wakes)
      .map(({ role, percent, wakes }) => `${role} ${percent.toFixed(2)} %, ${wakes.toFixed(1)} wakes/s`),
  };
}
