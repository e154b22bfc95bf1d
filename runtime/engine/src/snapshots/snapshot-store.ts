import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno, removeFolder, syncFolder, syncTree } from '../files/durable.js';
import { folderName } from '../workloads/volumes.js';
import { copyTree, type CopyLimits } from './tree-copy.js';

/** The one registry that is on this machine: what an image's name begins with. */
export const SNAPSHOT_REGISTRY = 'snapshot.local/';

export interface SnapshotOwner {
  readonly namespace: string;
  readonly project: string;
}

export interface Snapshot {
  readonly command: string;
  readonly files: number;
  readonly bytes: number;
}

export interface TakenSnapshot extends Snapshot {
  /** `sha256:…`: of the files and of the command. */
  readonly digest: string;
}

const LIMITS: CopyLimits = { files: 500_000, bytes: 8 * 1024 ** 3 };
/** Roll-backs go to these; older ones are released anew. */
const KEPT = 10;

const DIGEST = /^[0-9a-f]{64}$/;
const record = z.object({ command: z.string().min(1), files: z.number(), bytes: z.number() });
const IMAGE =
  /^snapshot\.local\/(?<namespace>[a-z0-9-]+)\/(?<project>[a-z0-9-]+)@sha256:(?<hex>[0-9a-f]{64})$/;

/** Snapshots of workspaces by what is in them: taking the same twice keeps one. */
export class SnapshotStore {
  readonly #limits: CopyLimits;
  readonly #kept: number;

  private constructor(
    private readonly root: string,
    { limits = LIMITS, kept = KEPT }: { readonly limits?: CopyLimits; readonly kept?: number },
  ) {
    this.#limits = limits;
    this.#kept = kept;
  }

  /** Removes what a crash left half made. */
  static async open(
    root: string,
    options: { readonly limits?: CopyLimits; readonly kept?: number } = {},
  ): Promise<SnapshotStore> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const home of await foldersBelow(root))
      for (const name of await readdir(home))
        if (!DIGEST.test(name)) await rm(join(home, name), { recursive: true, force: true });
    return new SnapshotStore(root, options);
  }

  /** Throws TooLargeError. `inUse` names the digests that stay whatever their age. */
  async take(
    owner: SnapshotOwner,
    { folder, command }: { readonly folder: string; readonly command: string },
    inUse: ReadonlySet<string> = new Set(),
  ): Promise<TakenSnapshot> {
    const home = this.#homeOf(owner);
    const half = join(home, `${randomBytes(6).toString('hex')}.new`);
    await mkdir(half, { recursive: true, mode: 0o700 });
    try {
      const { digest, files, bytes } = await copyTree(
        await realpath(folder),
        join(half, 'app'),
        this.#limits,
      );
      const hex = createHash('sha256')
        .update(JSON.stringify([command, digest]))
        .digest('hex');
      await writeFile(join(half, 'snapshot.json'), JSON.stringify({ command, files, bytes }), {
        mode: 0o600,
      });
      await syncTree(half);
      await this.#keep(half, join(home, hex));
      await syncFolder(home);
      await this.#forgetOld(home, new Set([...inUse, `sha256:${hex}`]));
      return { digest: `sha256:${hex}`, command, files, bytes };
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  }

  /**
   * Puts the files of an image into a folder that is not there yet; answers what the snapshot says. undefined where there
   * is no such snapshot, or it is another project's.
   */
  async unpack(image: string, owner: SnapshotOwner, folder: string): Promise<Snapshot | undefined> {
    const { namespace, project, hex } = IMAGE.exec(image)?.groups ?? {};
    if (hex === undefined || namespace !== owner.namespace || project !== owner.project) return undefined;
    const home = join(this.#homeOf(owner), hex);
    try {
      const found = record.parse(JSON.parse(await readFile(join(home, 'snapshot.json'), 'utf8')));
      await cp(join(home, 'app'), folder, {
        recursive: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
      });
      return found;
    } catch (error) {
      if (isErrno(error, 'ENOENT') && !(await exists(home))) return undefined;
      throw error;
    }
  }

  /** The project is gone for ever. */
  async forget(owner: SnapshotOwner): Promise<void> {
    await removeFolder(this.#homeOf(owner));
  }

  /** Throws where the names are no names of folders. */
  #homeOf({ namespace, project }: SnapshotOwner): string {
    return join(this.root, folderName(namespace), folderName(project));
  }

  async #keep(half: string, place: string): Promise<void> {
    try {
      await rename(half, place);
    } catch (error) {
      // The same was taken before; what is there is the same.
      if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  }

  async #forgetOld(home: string, inUse: ReadonlySet<string>): Promise<void> {
    const names = (await readdir(home)).filter((name) => DIGEST.test(name));
    const dated = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(home, name, 'snapshot.json'))).mtimeMs })),
    );
    const old = dated.sort((a, b) => b.at - a.at).slice(this.#kept);
    for (const { name } of old)
      if (!inUse.has(`sha256:${name}`)) await rm(join(home, name), { recursive: true, force: true });
  }
}

/** Of the projects. */
async function foldersBelow(root: string): Promise<readonly string[]> {
  const namespaces = await readdir(root);
  const homes = await Promise.all(
    namespaces.map(async (name) => (await readdir(join(root, name))).map((home) => join(root, name, home))),
  );
  return homes.flat();
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
