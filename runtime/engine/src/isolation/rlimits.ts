import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Amounts, Resource } from './limits.js';
import type { Command } from './types.js';

/**
 * A process reserves more than it uses: stacks of threads, heaps that grow. What this stops is one that takes ever more.
 */
const RESERVED = 2;

export interface RlimitsOptions {
  readonly path: string;
  /** Sandboxes run as users of their own, so their processes are counted by themselves. */
  readonly ownUsers: boolean;
  /** What control groups take care of already. */
  readonly limited: ReadonlySet<Resource>;
}

/**
 * Limits of single processes, which need no rights: how much memory one may take, and how many processes their user may
 * have. Undefined where there is nothing left to limit, or no `prlimit` (Linux has it in util-linux).
 */
export async function openRlimits(options: RlimitsOptions): Promise<Rlimits | undefined> {
  const { path, ownUsers, limited } = options;
  if (process.platform !== 'linux') return undefined;
  const program = await find('prlimit', [...path.split(':').filter(Boolean), '/usr/bin', '/bin']);
  if (program === undefined) return undefined;
  // Root may have as many processes as it likes.
  const counted = ownUsers || process.getuid?.() !== 0;
  const resources = (['memory', 'processes'] as const).filter(
    (resource) => !limited.has(resource) && (resource !== 'processes' || counted),
  );
  return resources.length === 0 ? undefined : new Rlimits(program, { ownUsers, resources });
}

interface Parts {
  readonly ownUsers: boolean;
  readonly resources: readonly Resource[];
}

export class Rlimits {
  readonly enforced: ReadonlySet<Resource>;

  constructor(
    private readonly program: string,
    private readonly parts: Parts,
  ) {
    this.enforced = new Set(parts.resources);
  }

  /** What makes a command limited. Asked for each sandbox anew: the user's other processes are counted along. */
  async of({ memoryBytes, processes }: Amounts): Promise<(command: Command) => Command> {
    const hard = await hardLimits();
    const set: string[] = [];
    const limit = (option: string, wanted: number, most: number): void => {
      const value = Math.min(Math.floor(wanted), most);
      set.push(`--${option}=${value}:${value}`);
    };
    if (this.enforced.has('memory') && memoryBytes !== undefined)
      limit('data', memoryBytes * RESERVED, hard('Max data size'));
    if (this.enforced.has('processes'))
      limit('nproc', processes + (this.parts.ownUsers ? 0 : await running()), hard('Max processes'));
    return ({ file, args }) =>
      set.length === 0 ? { file, args } : { file: this.program, args: [...set, '--', file, ...args] };
  }
}

/** Nobody but root may set more than this process has. */
async function hardLimits(): Promise<(name: string) => number> {
  const lines = (await readFile('/proc/self/limits', 'utf8').catch(() => '')).split('\n');
  return (name) => {
    const line = lines.find((each) => each.startsWith(name)) ?? '';
    const [, hard = 'unlimited'] = line.slice(name.length).trim().split(/\s+/);
    return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
  };
}

/** Threads of this machine, whoever's they are: the kernel counts threads. */
async function running(): Promise<number> {
  const [, total = '0'] = /\/(\d+)/.exec(await readFile('/proc/loadavg', 'utf8').catch(() => '')) ?? [];
  return Number(total);
}

async function find(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders)
    if (
      await access(join(folder, name), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return join(folder, name);
  return undefined;
}
