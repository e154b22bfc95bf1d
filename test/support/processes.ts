import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** The parent's id is the second field after the command, which is in parentheses and may hold anything. */
function parentOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[1] ?? 0);
}

/** A zombie has no command line: it runs nothing any more and only waits to be reaped. */
function describe(pid: number): Process | undefined {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  return command === '' ? undefined : { pid, parent: parentOf(pid), command };
}

export function allProcesses(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => describe(Number(name)))
    .filter((found) => found !== undefined);
}

const mentions = (pid: number, home: string): boolean =>
  read(`/proc/${pid}/cmdline`).includes(home) ||
  read(`/proc/${pid}/environ`).includes(home) ||
  workingFolder(pid).startsWith(home);

/** Every process that has to do with a home folder: by what it was started with, its environment or where it is. */
export function processesOf(home: string): readonly Process[] {
  return allProcesses().filter(({ pid }) => pid !== process.pid && mentions(pid, home));
}

/** As {@link processesOf}, and whatever those have started: a program of a sandbox sees other folders than this machine. */
export function processesBelow(home: string): readonly Process[] {
  const all = allProcesses();
  const found = new Set(processesOf(home).map(({ pid }) => pid));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** The TCP ports that a process listens on: what /proc says of its sockets. */
export function listeningPorts(pid: number): readonly number[] {
  const lines = ['tcp', 'tcp6'].flatMap((kind) => read(`/proc/${pid}/net/${kind}`).split('\n').slice(1));
  const own = new Set(openSockets(pid));
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTEN && own.has(inode ?? ''))
    .map(([, address = '']) => Number.parseInt(address.split(':').at(-1) ?? '', 16));
}

const LISTEN = '0A';

function openSockets(pid: number): readonly string[] {
  const names = (): readonly string[] => {
    try {
      return readdirSync(`/proc/${pid}/fd`);
    } catch {
      return [];
    }
  };
  return names().flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

export const isAlive = (pid: number): boolean => describe(pid) !== undefined;

/** Proportional set size of one process in bytes: what it costs, with shared pages divided among those who share. */
export function memoryOf(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
  return Number(kib ?? 0) * 1024;
}

/** Processor time that a process has used in seconds, threads included; the kernel counts it in hundredths. */
export function cpuOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

/** How often the threads of a process went to sleep by themselves: each time something had woken them. */
export function switchesOf(pid: number): number {
  return threadsOf(pid)
    .map((thread) => /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(read(`/proc/${pid}/task/${thread}/status`)))
    .reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0);
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}
