import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, writeFileDurably } from '../files/durable.js';
import { keyOf, refOf, type Manifest, type ObjectRef } from '../store/object.js';
import { folderOf, type Folder } from './folders.js';

/** Kinds that hold a person's data. */
const LASTING: readonly string[] = ['PersistentVolumeClaim', 'Cluster'];
export const isLasting = ({ kind }: { readonly kind: string }): boolean => LASTING.includes(kind);

/**
 * The objects with data that were applied, a file a folder of the branch. A cluster remembers what it holds while its
 * applier is away; this is how the engine does: what left the branch meanwhile is pruned, or kept where it says so.
 */
export class LastingObjects {
  readonly #folders = new Map<string, string>();

  private constructor(private readonly root: string) {}

  static async open(root: string): Promise<LastingObjects> {
    const record = new LastingObjects(root);
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const name of await readdir(root, { recursive: true }))
      if (name.endsWith('.json')) await record.#read(join(root, name));
    return record;
  }

  folders(): readonly Folder[] {
    return [...this.#folders.keys()].flatMap((path) => folderOf(path) ?? []);
  }

  of({ path }: Folder): readonly Manifest[] {
    const text = this.#folders.get(path);
    return text === undefined ? [] : (JSON.parse(text) as Manifest[]);
  }

  /** Resolves when it is on the disk. Nothing is written where nothing changed. */
  async set({ path }: Folder, objects: readonly Manifest[]): Promise<void> {
    const text = objects.length === 0 ? undefined : JSON.stringify(objects);
    if (text === this.#folders.get(path)) return;
    const file = join(this.root, `${path}.json`);
    if (text === undefined) {
      await rm(file, { force: true });
      this.#folders.delete(path);
      return;
    }
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFileDurably(file, text, 0o600);
    this.#folders.set(path, text);
  }

  /** It is gone, and its data with it. */
  async remove(ref: ObjectRef): Promise<void> {
    for (const folder of this.folders()) {
      const objects = this.of(folder);
      const left = objects.filter((object) => keyOf(refOf(object)) !== keyOf(ref));
      if (left.length < objects.length) await this.set(folder, left);
    }
  }

  async #read(file: string): Promise<void> {
    const path = file.slice(this.root.length + 1, -'.json'.length);
    try {
      const text = await readFile(file, 'utf8');
      if (Array.isArray(JSON.parse(text))) this.#folders.set(path, text);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      throw new Error(`What was applied before cannot be read: ${file}.`, { cause: error });
    }
  }
}
