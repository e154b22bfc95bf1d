import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../files/polling.js';
import type { Command } from './types.js';

/** What a sandbox may take of this machine. */
export interface Amounts {
  readonly memoryBytes: number | undefined;
  readonly processes: number;
}

/** Where control groups are, and what the files are called, by their version. */
interface Hierarchy {
  readonly folders: readonly string[];
  readonly files: (amounts: Amounts) => readonly { readonly file: string; readonly value: string }[];
}

const ROOT = '/sys/fs/cgroup';

/**
 * Control groups for sandboxes, where this process may make them: version 2, or the memory and pids controllers of
 * version 1. Undefined where it may not.
 */
export async function openLimits(engineId: string): Promise<Limits | undefined> {
  const name = `fullstackagent-${engineId}`;
  for (const hierarchy of [unified(name), separate(name)]) {
    try {
      await removeGroups(hierarchy.folders);
      for (const folder of hierarchy.folders) await mkdir(folder);
      const limits = new Limits(hierarchy);
      // A controller that is not there has no file for its limit.
      const trial = await limits.group('trial', { memoryBytes: 1 << 30, processes: 100 });
      await trial.remove();
      return limits;
    } catch {
      await removeGroups(hierarchy.folders).catch(() => undefined);
    }
  }
  return undefined;
}

const unified = (name: string): Hierarchy => ({
  folders: [join(ROOT, name)],
  files: ({ memoryBytes, processes }) => [
    { file: join(ROOT, name, 'cgroup.subtree_control'), value: '+memory +pids' },
    ...(memoryBytes === undefined ? [] : [{ file: 'memory.max', value: String(memoryBytes) }]),
    { file: 'pids.max', value: String(processes) },
  ],
});

const separate = (name: string): Hierarchy => ({
  folders: [join(ROOT, 'memory', name), join(ROOT, 'pids', name)],
  files: ({ memoryBytes, processes }) => [
    ...(memoryBytes === undefined ? [] : [{ file: 'memory.limit_in_bytes', value: String(memoryBytes) }]),
    { file: 'pids.max', value: String(processes) },
  ],
});

export class Limits {
  constructor(private readonly hierarchy: Hierarchy) {}

  /** A group with these limits. Throws where one of them cannot be set. */
  async group(name: string, amounts: Amounts): Promise<LimitedGroup> {
    const folders = this.hierarchy.folders.map((folder) => join(folder, name));
    const files = this.hierarchy.files(amounts);
    for (const { file, value } of files) if (file.startsWith('/')) await writeFile(file, value);
    for (const folder of folders) await mkdir(folder, { recursive: true });
    for (const { file, value } of files) if (!file.startsWith('/')) await writeToOne(folders, file, value);
    return new LimitedGroup(folders);
  }

  async close(): Promise<void> {
    await removeGroups(this.hierarchy.folders);
  }
}

/** In version 1 each controller has a folder of its own; exactly one has the file. */
async function writeToOne(folders: readonly string[], file: string, value: string): Promise<void> {
  for (const folder of folders)
    if ((await readdir(folder)).includes(file)) {
      await writeFile(join(folder, file), value);
      return;
    }
  throw new Error(`There is no ${file}.`);
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
    const below = await readdir(folder, { withFileTypes: true }).catch(() => []);
    await removeGroups(below.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)));
    await pollUntil(async () => ((await removed(folder)) ? true : undefined), {
      everyMs: 20,
      deadlineMs: 2_000,
    });
  }
}

async function removed(folder: string): Promise<boolean> {
  const there = await readFile(join(folder, 'cgroup.procs')).catch(() => undefined);
  if (there === undefined) return true;
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}
