import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { isErrno, removeFolder, syncFolder, syncTree, writeFileDurably } from '../files/durable.js';
import { copyDatabase, type DatabaseFolder } from './live-copy.js';
import { PostgresError } from './types.js';

const run = promisify(execFile);

export const backupKinds = ['scheduled', 'requested', 'before-restore'] as const;
export type BackupKind = (typeof backupKinds)[number];

const about = z.object({
  kind: z.enum(backupKinds),
  createdAt: z.string(),
  completedAt: z.string(),
  bytes: z.number(),
});

export interface KeptBackup extends z.infer<typeof about> {
  readonly name: string;
}

const memory = z.object({
  /** When backups of this database were first thought of: a schedule is due from then on. */
  since: z.string(),
  /** The last request that was answered, and the last restore. */
  requested: z.string().optional(),
  restored: z.string().optional(),
});
export type BackupMemory = z.infer<typeof memory>;

const NAME = /^[a-z0-9][a-z0-9-]{0,120}$/;
const ABOUT = 'backup.json';
const MEMORY = 'memory.json';

export interface TakeOptions {
  /** Of the database. */
  readonly id: string;
  readonly name: string;
  readonly kind: BackupKind;
}

export interface RestoreOptions {
  readonly id: string;
  /** The backup that is brought back. */
  readonly from: string;
  /** Under this name what stood before is kept. */
  readonly aside: string;
  /** The stopped server's folder; it need not be there. */
  readonly dataFolder: string;
}

/** Copies of databases on this machine: `<root>/<id>/<name>/{data,backup.json}`. One thing at a time for a database. */
export class BackupStore {
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(
    private readonly root: string,
    private readonly now: () => Date,
  ) {}

  /** Removes what a crash left half made. */
  static async open(root: string, now: () => Date): Promise<BackupStore> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const store = new BackupStore(root, now);
    for (const id of await readdir(root))
      for (const name of await foldersOf(join(root, id)))
        if (!(await store.#isWhole(id, name))) await removeFolder(join(root, id, name));
    return store;
  }

  /** The newest first. */
  async list(id: string): Promise<readonly KeptBackup[]> {
    const folder = join(this.root, checked(id));
    const found: KeptBackup[] = [];
    for (const name of await foldersOf(folder)) {
      if (!(await this.#isWhole(id, name))) continue;
      found.push({ name, ...about.parse(JSON.parse(await readFile(join(folder, name, ABOUT), 'utf8'))) });
    }
    return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  /** Throws PostgresError; then there is nothing under this name. */
  take(source: DatabaseFolder, { id, name, kind }: TakeOptions): Promise<void> {
    return this.#inTurn(id, async () => {
      const createdAt = this.now().toISOString();
      const folder = join(this.root, checked(id), checked(name));
      await mkdir(join(this.root, id), { recursive: true, mode: 0o700 });
      // Fails where there is one of this name: it is not to be written over, nor taken away below.
      await mkdir(folder, { mode: 0o700 });
      try {
        await copyDatabase(source, join(folder, 'data'));
        await this.#describe(folder, { kind, createdAt });
      } catch (error) {
        await removeFolder(folder);
        throw error;
      }
    });
  }

  /**
   * Puts a copy of a backup in the place of the data, which is kept as a backup of its own. Cut off anywhere it can be
   * done again: until the data is in its place nothing may be started on it.
   */
  restore({ id, from, aside, dataFolder }: RestoreOptions): Promise<void> {
    return this.#inTurn(id, async () => {
      const source = join(this.root, checked(id), checked(from));
      if (!(await this.#isWhole(id, from)))
        throw new PostgresError('BACKUP_FAILED', `There is no backup ${from} of this database.`);
      const fresh = `${dataFolder}.restoring`;
      await rm(fresh, { recursive: true, force: true });
      await mkdir(dirname(dataFolder), { recursive: true, mode: 0o711 });
      await run('cp', ['-a', join(source, 'data'), fresh]);
      await syncTree(fresh);
      await this.#setAside(dataFolder, join(this.root, id, checked(aside)));
      await rename(fresh, dataFolder);
      await syncFolder(dirname(dataFolder));
    });
  }

  /** Whether a folder of data is there. */
  isThere(dataFolder: string): Promise<boolean> {
    return exists(dataFolder);
  }

  remove(id: string, name: string): Promise<void> {
    return this.#inTurn(id, () => removeFolder(join(this.root, checked(id), checked(name))));
  }

  removeAll(id: string): Promise<void> {
    return this.#inTurn(id, () => removeFolder(join(this.root, checked(id))));
  }

  /** What was done for a database; made where there is nothing yet. */
  async memoryOf(id: string): Promise<BackupMemory> {
    const path = join(this.root, checked(id), MEMORY);
    try {
      return memory.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    const fresh = { since: this.now().toISOString() };
    await this.#remember(id, fresh);
    return fresh;
  }

  async remember(id: string, what: Partial<Pick<BackupMemory, 'requested' | 'restored'>>): Promise<void> {
    await this.#remember(id, { ...(await this.memoryOf(id)), ...what });
  }

  async #remember(id: string, content: BackupMemory): Promise<void> {
    await mkdir(join(this.root, checked(id)), { recursive: true, mode: 0o700 });
    await writeFileDurably(join(this.root, id, MEMORY), JSON.stringify(content), 0o600);
  }

  /** The description first: the data comes whole, by one rename. */
  async #setAside(dataFolder: string, folder: string): Promise<void> {
    if (!(await exists(dataFolder)) || (await exists(join(folder, 'data')))) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const createdAt = this.now().toISOString();
    const description = { kind: 'before-restore' as const, createdAt, completedAt: createdAt };
    const text = JSON.stringify({ ...description, bytes: await bytesOf(dataFolder) });
    await writeFileDurably(join(folder, ABOUT), text, 0o600);
    await rename(dataFolder, join(folder, 'data'));
    await syncFolder(folder);
    await syncFolder(dirname(dataFolder));
  }

  async #describe(folder: string, made: Pick<KeptBackup, 'kind' | 'createdAt'>): Promise<void> {
    const bytes = await bytesOf(join(folder, 'data'));
    const text = JSON.stringify({ ...made, completedAt: this.now().toISOString(), bytes });
    await writeFileDurably(join(folder, ABOUT), text, 0o600);
  }

  async #isWhole(id: string, name: string): Promise<boolean> {
    if (!NAME.test(name)) return false;
    const folder = join(this.root, id, name);
    return (await exists(join(folder, ABOUT))) && (await exists(join(folder, 'data')));
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#queues.get(id) ?? Promise.resolve()).then(work, work);
    this.#queues.set(
      id,
      mine.catch(() => undefined),
    );
    return mine;
  }
}

/** Names come from documents and from the API, and become names of folders. */
function checked(name: string): string {
  if (!NAME.test(name)) throw new PostgresError('BACKUP_FAILED', 'That is no name of a backup.');
  return name;
}

async function foldersOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function bytesOf(folder: string): Promise<number> {
  const { stdout } = await run('du', ['-sk', '--', folder]);
  return Number(stdout.split(/\s/)[0]) * 1024;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
