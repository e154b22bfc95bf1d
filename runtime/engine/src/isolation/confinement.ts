import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { z } from 'zod';
import { startMark, stillRuns } from '../platform/process-identity.js';
import { asUser, INSIDE_UID, uidOf } from './identity.js';
import { hostFiles, systemArguments } from './layout.js';
import { ownTree } from './ownership.js';
import { limitedPlace, type LimitedPlace } from './limited.js';
import type { Amounts } from './limits.js';
import { tailOf } from './tail-of.js';
import type { Bind, Bubblewrap, Command } from './types.js';

export interface ConfinementOptions {
  readonly isolation: Bubblewrap;
  /** Unique in the installation, and the same at each start. */
  readonly name: string;
  readonly hostname: string;
  /** The sandbox's own folder on this machine, gone with it. */
  readonly folder: string;
  readonly binds: readonly Bind[];
  readonly home: string;
  readonly workingDirectory: string;
  /** What it may take of this machine; undefined: as much as there is. */
  readonly amounts?: Amounts | undefined;
  /** What its processes are found by (see workloads/processes). */
  readonly markers: Readonly<Record<string, string>>;
}

const START_LIMIT_MS = 10_000;
/** Of what bubblewrap says: the programs inside can take its pipe from it, and write without end. */
const SAID_CHARACTERS = 4000;
/** A socket's state in /proc/net/tcp. */
const LISTEN = '0A';
const info = z.object({ 'child-pid': z.number().int().positive() });

/**
 * Puts the mounts together where bubblewrap can reach them, and becomes it. Arguments: the stage, how many sources, the
 * sources, and the command. A terminal device of its own is mounted here: with bubblewrap's own there would be a user
 * namespace that nobody else can enter.
 */
const STAGE = `
stage=$1 count=$2; shift 2; number=0
mount -t tmpfs -o mode=755,size=1m tmpfs "$stage"
while [ "$number" -lt "$count" ]; do
  if [ -d "$1" ]; then mkdir "$stage/$number"; else : >"$stage/$number"; fi
  mount --bind "$1" "$stage/$number"
  number=$((number + 1)); shift
done
mkdir "$stage/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$stage/pts"
exec "$@"
`;

/**
 * Namespaces of a sandbox (user, mounts, processes, IPC, host name, network where that can be) and one process that keeps
 * them. Programs are started into them with {@link command}. They all end with it, and it ends with this process.
 */
export class Confinement {
  /** It ended, and nobody here ended it. */
  readonly whenLost: Promise<Loss>;
  #ending = false;

  private constructor(
    private readonly options: ConfinementOptions,
    private readonly started: Started,
  ) {
    const { child, said } = started;
    this.whenLost = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
        if (!this.#ending) void said.then((output) => resolve({ exitCode, output }));
      });
    });
  }

  /** Throws with what bubblewrap said where it cannot be. */
  static async start(options: ConfinementOptions): Promise<Confinement> {
    const { isolation, markers } = options;
    const binds = [...options.binds, ...(await ownFiles(options))];
    if (isolation.asRoot) await giveAway(options, binds);
    const { name, amounts } = options;
    const limited = await limitedPlace(isolation, {
      ...{ name: String(uidOf(name)), sh: isolation.programs.sh, amounts },
    });
    const { file, args } = limited.inside(startCommand(options, binds, await systemArguments()));
    const child = spawn(file, [...args], {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...markers },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    try {
      return new Confinement(options, { child, limited, ...(await firstProcess(child)) });
    } catch (error) {
      await endNow(child);
      await limited.remove();
      throw error;
    }
  }

  /** On this machine, of the first process inside. */
  get pid(): number {
    return this.started.pid;
  }

  /** Whether that process still is the sandbox's: its number may be another's by now. Throws where that is unknown. */
  async runs(): Promise<boolean> {
    const { pid, mark } = this.started;
    return !this.ended && mark !== undefined && (await stillRuns({ pid, mark }));
  }

  get ended(): boolean {
    return hasEnded(this.started.child);
  }

  /** How to start a program inside, in a folder as it is called there. */
  command(file: string, args: readonly string[], folder = this.options.workingDirectory): Command {
    const [first, ...rest] = [
      ...this.prefix(),
      this.options.isolation.programs.nsenter,
      ...['--target', String(this.pid), '--user', '--mount', '--pid', '--ipc', '--uts'],
      ...(this.options.isolation.network.own ? ['--net'] : []),
      ...['--preserve-credentials', `--wdns=${folder}`, '--', file, ...args],
    ];
    return this.started.limited.inside({ file: first ?? '', args: rest });
  }

  /** Whether a program inside listens at this port, on whichever address; asked of the kernel, nobody is connected to. */
  async isListening(port: number): Promise<boolean> {
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/${this.pid}/net/${name}`, 'utf8').catch(() => '')),
    );
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    return tables.some((table) =>
      table.split('\n').some((line) => {
        const [, address = '', , state] = line.trim().split(/\s+/);
        return state === LISTEN && address.endsWith(local);
      }),
    );
  }

  /** What has to stand before a program of this machine that acts as the sandbox's user. */
  prefix(): readonly string[] {
    const { isolation, name } = this.options;
    return isolation.asRoot ? asUser(isolation.programs.setpriv, uidOf(name)) : [];
  }

  /** Whose files the sandbox can read; undefined: this process's own. */
  get owner(): number | undefined {
    return this.options.isolation.asRoot ? uidOf(this.options.name) : undefined;
  }

  /** Ends everything that is inside, at once. */
  async end(): Promise<void> {
    this.#ending = true;
    const { child, limited } = this.started;
    await endNow(child);
    await limited.remove();
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/** Answers when it has ended; one that could not be started has. */
async function endNow(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** How it ended: 128 + n where signal n did it, as shells have it, and what it said last. */
export interface Loss {
  readonly exitCode: number;
  readonly output: string;
}

interface Started extends First {
  readonly child: ChildProcess;
  readonly limited: LimitedPlace;
}

function ownFiles({ folder, hostname, home }: ConfinementOptions): Promise<readonly Bind[]> {
  return hostFiles({ folder: join(folder, 'etc'), hostname, home });
}

/** As root: the sandbox's files belong to its user. What is there already is given away whole, once. */
async function giveAway({ name, folder }: ConfinementOptions, binds: readonly Bind[]): Promise<void> {
  const uid = uidOf(name);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  for (const { source, readOnly } of binds) if (!readOnly) await ownTree(source, uid);
  await chown(folder, uid, uid);
}

function startCommand(
  { isolation, name, hostname, workingDirectory }: ConfinementOptions,
  binds: readonly Bind[],
  system: readonly string[],
): Command {
  const { programs, stage, asRoot, network } = isolation;
  // Without root's rights the sources are the user's own, and need no stage.
  const staged = asRoot
    ? binds.map((bind, index) => ({ ...bind, source: join(stage, String(index)) }))
    : binds;
  const bwrap = [
    programs.bwrap,
    ...['--unshare-user', '--uid', String(INSIDE_UID), '--gid', String(INSIDE_UID)],
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', hostname],
    ...(network.own ? ['--unshare-net'] : []),
    ...['--die-with-parent', '--new-session', '--info-fd', '3'],
    ...system,
    ...['--dev-bind', join(stage, 'pts'), '/dev/pts'],
    ...staged.flatMap(({ source, target, readOnly }) => [readOnly ? '--ro-bind' : '--bind', source, target]),
    ...['--remount-ro', '/', '--remount-ro', '/dev', '--chdir', workingDirectory],
    // Said when everything is mounted; bubblewrap itself says who it is before that.
    ...['--', 'sh', '-c', 'echo ready >&4; exec sleep infinity 3>&- 4>&-'],
  ];
  const namespaces = ['--mount', '--propagation', 'private'];
  const sources = asRoot ? binds.map(({ source }) => source) : [];
  return {
    file: programs.unshare,
    args: [
      ...(asRoot ? namespaces : ['--user', '--map-root-user', ...namespaces]),
      ...['--', programs.sh, '-ec', STAGE, 'stage', stage, String(sources.length), ...sources],
      ...(asRoot ? asUser(programs.setpriv, uidOf(name)) : []),
      ...bwrap,
    ],
  };
}

interface First {
  /** Of the first process inside. */
  readonly pid: number;
  /** By which it is told from another of that number; undefined: it has ended already. */
  readonly mark: string | undefined;
  /** What bubblewrap said last, once it has ended. */
  readonly said: Promise<string>;
}

/** The first process inside, once everything is mounted. Throws with what bubblewrap said where it ended before that. */
async function firstProcess(child: ChildProcess): Promise<First> {
  // Heard before anything else: where there are no file descriptors left, there are no pipes either.
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  const [, , complaint, report, ready] = (child.stdio as (Readable | null)[] | undefined) ?? [];
  if (complaint == null || report == null || ready == null) return failed;
  const [said, told] = [tailOf(complaint, SAID_CHARACTERS), textOf(report)];
  const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
  try {
    if ((await Promise.race([textOf(ready), failed])) === 'ready\n') {
      const pid = info.parse(JSON.parse(await told))['child-pid'];
      return { pid, mark: await startMark(pid), said: said.catch(() => '') };
    }
    throw new Error((await said).trim() || 'bubblewrap ended without a word.');
  } finally {
    clearTimeout(limit);
  }
}
