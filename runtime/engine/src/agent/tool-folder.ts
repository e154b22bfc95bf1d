import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  constants,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { removeFolder, syncFolder, syncTree } from '../files/durable.js';
import { sizeOf } from './disk-use.js';
import { InstallLock } from './install-lock.js';
import { pinnedPackage, type PinnedPackage } from './lock-file.js';
import { npmCi } from './npm.js';
import { runGroup } from './run-group.js';

/** A program that comes from npm as one binary for each kind of machine. */
export interface Tool {
  /** Of the command. */
  readonly name: string;
  /** Its binaries are in optional packages of this name and the machine's: `<package>-linux-x64`. */
  readonly package: string;
  /** Folder with package.json and package-lock.json that pin it. */
  readonly pinnedIn: string;
  /** About as much as an installation writes, for those who wait: what is downloaded and what it unpacks to. */
  readonly roughBytes: number;
}

export interface Installed {
  readonly version: string;
  readonly bytes: number;
}

export interface InstallOptions {
  readonly path: string;
  readonly marker?: string | undefined;
  readonly signal: AbortSignal;
}

/** Something that a person can do something about. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

const VERSION_LIMIT_MS = 30_000;
/** What has to stay free beside what an installation writes. */
const SPARE_BYTES = 256 * 1024 ** 2;

/**
 * The folder with programs that every sandbox sees, to read. `bin/<name>` is a link to the version in use, and changes as
 * a whole: whoever starts the program has the old one or the new one. What is being installed is in `.partial` until it
 * is complete and has run once.
 */
export class ToolFolder {
  constructor(
    readonly folder: string,
    private readonly tool: Tool,
  ) {}

  get bin(): string {
    return join(this.folder, 'bin');
  }

  /** Makes the folder, which sandboxes of other users can read, and takes away what an earlier life left half done. */
  async open(): Promise<void> {
    for (const folder of [this.folder, this.bin]) {
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o755);
    }
    const lock = await InstallLock.take(this.folder);
    await lock?.release(() => this.#clear(lock));
  }

  /** What an installation would install. */
  wanted(): Promise<PinnedPackage> {
    return pinnedPackage(this.tool.pinnedIn, this.tool.package);
  }

  /** undefined: it is not there, or cannot be run. */
  async installed(): Promise<Installed | undefined> {
    const link = join(this.bin, this.tool.name);
    const target = await readlink(link).catch(() => '');
    const [, , name = ''] = target.split('/');
    const version = /^(.+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (version === undefined || !(await isProgram(link))) return undefined;
    return { version, bytes: await sizeOf(join(this.folder, this.tool.name, name)) };
  }

  /** So far, of an installation that runs. */
  written(): Promise<number> {
    return sizeOf(this.#partial);
  }

  /** Throws {@link ToolError}, NpmError, or what the signal was aborted with. What was there before stays then. */
  async install(options: InstallOptions): Promise<Installed> {
    const lock = await InstallLock.take(this.folder);
    if (lock === undefined) throw new ToolError('It is being installed already.');
    try {
      await this.#clear(lock);
      await this.#requireSpace();
      const { version, manifest, lock: lockFile } = await this.wanted();
      await mkdir(this.#partial);
      await chmod(this.#partial, 0o755);
      await writeFile(join(this.#partial, 'package.json'), manifest);
      await writeFile(join(this.#partial, 'package-lock.json'), lockFile);
      await npmCi({ ...options, folder: this.#partial });
      await rm(join(this.#partial, '.cache'), { recursive: true, force: true });
      const program = await this.#program();
      await this.#tryOut(program, options);
      options.signal.throwIfAborted();
      await this.#putInPlace(version, relative(this.#partial, program));
    } finally {
      await lock.release(() => this.#clear(lock));
    }
    const installed = await this.installed();
    if (installed === undefined) throw new ToolError('It was installed and is not there.');
    return installed;
  }

  /** Shells that run it keep it until they end. Throws {@link ToolError} while it is being installed. */
  async remove(): Promise<void> {
    const lock = await InstallLock.take(this.folder);
    if (lock === undefined) throw new ToolError('It is being installed. Cancel that first.');
    await lock.release(async () => {
      await rm(join(this.bin, this.tool.name), { force: true });
      await syncFolder(this.bin);
      await this.#clear(lock);
    });
  }

  get #partial(): string {
    return join(this.folder, '.partial');
  }

  /** Everything but the version in use. */
  async #clear(lock: InstallLock): Promise<void> {
    await lock.clearUnplaced();
    await rm(this.#partial, { recursive: true, force: true });
    const versions = join(this.folder, this.tool.name);
    const inUse = (await readlink(join(this.bin, this.tool.name)).catch(() => '')).split('/')[2];
    for (const name of await readdir(versions).catch(() => []))
      if (name !== inUse) await removeFolder(join(versions, name));
  }

  async #requireSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder);
    const needed = this.tool.roughBytes + SPARE_BYTES;
    if (bavail * bsize >= needed) return;
    const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
    throw new ToolError(
      `It needs ${megabytes(needed)} of free disk space; there are ${megabytes(bavail * bsize)}.`,
    );
  }

  /** npm has installed the packages for this machine alone. */
  async #program(): Promise<string> {
    const [scope = '', name = ''] = this.tool.package.split('/');
    const folder = join(this.#partial, 'node_modules', scope);
    const packages = (await readdir(folder)).filter((other) => other.startsWith(`${name}-`)).sort();
    for (const each of packages) {
      const program = join(folder, each, this.tool.name);
      if (await isProgram(program)) return program;
    }
    // Optional for npm, which says nothing where it did not get it.
    throw new ToolError(
      `The registry did not give the package for ${process.platform} on ${process.arch}: try again, or there is none.`,
    );
  }

  /** A binary for a newer processor or C library installs well and does not run. */
  async #tryOut(program: string, { signal, marker }: InstallOptions): Promise<void> {
    const home = join(this.#partial, '.home');
    await mkdir(home);
    const late = AbortSignal.timeout(VERSION_LIMIT_MS);
    const own = [
      `HOME=${home}`,
      'PATH=/usr/bin:/bin',
      'DISABLE_AUTOUPDATER=1',
      ...(marker === undefined ? [] : [marker]),
    ];
    try {
      const { code, lines } = await runGroup(['env', '-i', ...own, program, '--version'], {
        ...{ folder: home, signal: AbortSignal.any([signal, late]) },
      });
      if (code !== 0)
        throw new ToolError(`It does not run on this machine. ${lines.join(' ').slice(0, 300)}`.trim());
    } catch (error) {
      if (signal.aborted || !late.aborted) throw error;
      throw new ToolError('It does not run on this machine: it does not say its version.', { cause: error });
    }
    await rm(home, { recursive: true, force: true });
  }

  async #putInPlace(version: string, program: string): Promise<void> {
    const versions = join(this.folder, this.tool.name);
    const name = `${version}-${randomBytes(4).toString('hex')}`;
    await mkdir(versions, { recursive: true });
    await chmod(versions, 0o755);
    await syncTree(this.#partial);
    await rename(this.#partial, join(versions, name));
    await syncFolder(versions);
    const next = join(this.bin, `.${name}`);
    await symlink(join('..', this.tool.name, name, program), next);
    await rename(next, join(this.bin, this.tool.name));
    await syncFolder(this.bin);
    await syncFolder(dirname(versions));
  }
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
