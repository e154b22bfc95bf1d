import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../files/polling.js';
import type { Command } from './types.js';

/** What a sandbox may take of this machine; undefined: as much as there is. */
export interface Amounts {
  readonly memoryBytes: number | undefined;
  readonly cpus: number | undefined;
  readonly processes: number;
}

export const RESOURCES = ['memory', 'processes', 'cpu'] as const;
export type Resource = (typeof RESOURCES)[number];

/** One controller of the kernel: where its groups are, and which file sets a limit. */
interface Controller {
  readonly resource: Resource;
  /** Of this installation; a sandbox's group is a folder in it. */
  readonly folder: string;
  /** What has to be written, best before the groups are made. */
  readonly enable?: { readonly files: readonly string[]; readonly value: string };
  readonly limit: (amounts: Amounts) => { readonly file: string; readonly value: string } | undefined;
}

const ROOT = '/sys/fs/cgroup';
/** Microseconds in which a group has its share of the processors; the kernel's own default. */
const PERIOD = 100_000;
/** The kernel takes no smaller share. */
const LEAST_QUOTA = 1_000;
const TRIAL: Amounts = { memoryBytes: 1 << 30, cpus: 1, processes: 100 };

/**
 * Control groups for sandboxes, where this process may make them: version 2, or the controllers of version 1 that are
 * needed. Each controller is tried by itself, since a machine may have some of them. Undefined where there is none.
 */
export async function openLimits(engineId: string): Promise<Limits | undefined> {
  const name = `fullstackagent-${engineId}`;
  // In version 1 this folder is no group, and can be written to all the same.
  const unified = await exists(join(ROOT, 'cgroup.controllers'));
  const usable: Controller[] = [];
  for (const controller of unified ? ofVersion2(name) : ofVersion1(name))
    if (await works(controller)) usable.push(controller);
  return usable.length === 0 ? undefined : new Limits(usable);
}

async function works(controller: Controller): Promise<boolean> {
  const { folder, enable, resource } = controller;
  try {
    if (!(await exists(join(folder, '..', 'cgroup.procs')))) return false;
    await mkdir(folder, { recursive: true });
    await removeBelow(folder);
    for (const file of enable?.files ?? []) await writeFile(file, enable?.value ?? '').catch(() => undefined);
    // A controller that is not there has no file for its limit.
    const group = await new Limits([controller]).group(`trial-${resource}`, TRIAL);
    await group.remove();
    return true;
  } catch {
    return false;
  }
}

const fileOf = (file: string, value: number | string | undefined) =>
  value === undefined ? undefined : { file, value: String(value) };

const quotaOf = (cpus: number | undefined): number | undefined =>
  cpus === undefined ? undefined : Math.max(LEAST_QUOTA, Math.round(cpus * PERIOD));

function ofVersion2(name: string): readonly Controller[] {
  const folder = join(ROOT, name);
  const controller = (resource: Resource, kernels: string, limit: Controller['limit']): Controller => ({
    ...{ resource, folder, limit },
    enable: {
      files: [ROOT, folder].map((parent) => join(parent, 'cgroup.subtree_control')),
      value: `+${kernels}`,
    },
  });
  return [
    controller('memory', 'memory', ({ memoryBytes }) => fileOf('memory.max', memoryBytes)),
    controller('processes', 'pids', ({ processes }) => fileOf('pids.max', processes)),
    controller('cpu', 'cpu', ({ cpus }) => {
      const quota = quotaOf(cpus);
      return fileOf('cpu.max', quota && `${quota} ${PERIOD}`);
    }),
  ];
}

const ofVersion1 = (name: string): readonly Controller[] => [
  {
    resource: 'memory',
    folder: join(ROOT, 'memory', name),
    limit: ({ memoryBytes }) => fileOf('memory.limit_in_bytes', memoryBytes),
  },
  {
    resource: 'processes',
    folder: join(ROOT, 'pids', name),
    limit: ({ processes }) => fileOf('pids.max', processes),
  },
  {
    resource: 'cpu',
    folder: join(ROOT, 'cpu', name),
    limit: ({ cpus }) => fileOf('cpu.cfs_quota_us', quotaOf(cpus)),
  },
];

export class Limits {
  readonly enforced: ReadonlySet<Resource>;
  readonly #folders: readonly string[];

  constructor(private readonly controllers: readonly Controller[]) {
    this.enforced = new Set(controllers.map(({ resource }) => resource));
    this.#folders = [...new Set(controllers.map(({ folder }) => folder))];
  }

  /** A group with these limits. Throws where one of them cannot be set. */
  async group(name: string, amounts: Amounts): Promise<LimitedGroup> {
    for (const folder of this.#folders) await mkdir(join(folder, name), { recursive: true });
    for (const { folder, limit } of this.controllers) {
      const wanted = limit(amounts);
      // Nothing is made here: where the kernel has no such file there is no such limit.
      if (wanted !== undefined)
        await writeFile(join(folder, name, wanted.file), wanted.value, { flag: 'r+' });
    }
    return new LimitedGroup(this.#folders.map((folder) => join(folder, name)));
  }

  async close(): Promise<void> {
    await removeGroups(this.#folders);
  }
}

/** Joins the groups and becomes the program: what it starts is in them from its first moment. */
const JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"';

export class LimitedGroup {
  constructor(private readonly folders: readonly string[]) {}

  /** The same program, in the group. */
  inside(sh: string, { file, args }: Command): Command {
    const joined = this.folders.map((folder) => join(folder, 'cgroup.procs'));
    return { file: sh, args: ['-ec', JOIN, 'join', ...joined, '--', file, ...args] };
  }

  /** Its processes have ended or are about to. */
  async remove(): Promise<void> {
    await removeGroups(this.folders);
  }
}

/** A group goes when nothing is in it any more, which takes the kernel a moment. */
async function removeGroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await removeBelow(folder);
    await pollUntil(async () => ((await removed(folder)) ? true : undefined), {
      everyMs: 20,
      deadlineMs: 2_000,
    });
  }
}

async function removeBelow(folder: string): Promise<void> {
  const below = await readdir(folder, { withFileTypes: true }).catch(() => []);
  await removeGroups(below.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)));
}

async function removed(folder: string): Promise<boolean> {
  if ((await readFile(join(folder, 'cgroup.procs')).catch(() => undefined)) === undefined) return true;
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
