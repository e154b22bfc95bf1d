import { resolve } from 'node:path';
import { AppError } from '../contract/errors.js';
import type {
  Branch,
  CommitDraft,
  FileChange,
  JoiningDraft,
  LogEntry,
  LogQuery,
  Projection,
  Repository,
  SideRefs,
} from '../model/repository.js';
import { BlobReader } from './blob-reader.js';
import { BranchWriter } from './branch-writer.js';
import { realDisk, type Disk } from './disk.js';
import { makeDirectories } from './durable.js';
import { storageFailure } from './failures.js';
import { gitBytes, runGit, textGit, type GitLocation } from './git-process.js';
import { composeChange } from './group.js';
import { initialiseRepository } from './initialise.js';
import { parseFileChanges, readLog } from './log.js';
import { Maintenance, type MaintenanceLog } from './maintenance.js';
import type { GitObject } from './object.js';
import { removeLeftovers, writePack } from './pack-store.js';
import { RecentCommits } from './recent-commits.js';
import { removeStaleLocks } from './refs.js';
import { lockRepository, type RepositoryLock } from './repository-lock.js';
import { settleNames } from './settle.js';
import { GitSideRefs } from './side-refs.js';
import { TreeIndex } from './tree-index.js';

export interface RepositoryOptions {
  readonly log: MaintenanceLog;
  /** `PATH`: where git is found. Nothing else of the environment reaches it. */
  readonly searchPath: string;
  /** How long a ref's lock has to lie untouched at the start to count as a dead process's. */
  readonly staleLockMs?: number;
  /** Where it is written; the file system, if nothing else is said. */
  readonly disk?: Disk;
}

const STALE_LOCK_MS = 2_000;
const BRANCH_NAME = /^[a-z][a-z0-9-]*$/;
const REVISION = /^(?:[0-9a-f]{40}|refs\/heads\/[a-z][a-z0-9-]*)$/;

/**
 * Opens the bare repository at `path`, making it where there is none, for this process alone.
 * Throws NOT_READY where another process holds it, STORAGE_UNAVAILABLE where it cannot be used.
 */
export async function openRepository(folder: string, options: RepositoryOptions): Promise<Repository> {
  const path = resolve(folder);
  const location = { gitDir: path, searchPath: options.searchPath };
  const disk = options.disk ?? realDisk;
  const lock = await lockedFolder(path, disk);
  try {
    await initialiseRepository(location, disk);
    await removeLeftovers(path, disk);
    await removeStaleLocks(path, options.staleLockMs ?? STALE_LOCK_MS, disk);
    await settleNames(path, disk);
    return new BareRepository(location, { log: options.log, disk, lock });
  } catch (error) {
    await lock.release();
    throw storageFailure(`The repository ${path} cannot be opened.`, error);
  }
}

async function lockedFolder(path: string, disk: Disk): Promise<RepositoryLock> {
  try {
    await makeDirectories(disk, path);
    return await lockRepository(path);
  } catch (error) {
    throw storageFailure(`The folder ${path} cannot be used.`, error);
  }
}

interface Held {
  readonly log: MaintenanceLog;
  readonly disk: Disk;
  readonly lock: RepositoryLock;
}

class BareRepository implements Repository {
  readonly path: string;
  readonly refs: SideRefs;
  readonly #blobs: BlobReader;
  readonly #maintenance: Maintenance;
  readonly #branches: { idle(): Promise<void> }[] = [];
  readonly #recent = new RecentCommits();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly location: GitLocation,
    private readonly held: Held,
  ) {
    this.path = location.gitDir;
    this.refs = new GitSideRefs(location, held.disk);
    this.#blobs = new BlobReader(location);
    this.#maintenance = new Maintenance(location, held.log, held.disk);
  }

  async branch<View>(name: string, projection: Projection<View>): Promise<Branch<View>> {
    if (!BRANCH_NAME.test(name))
      throw new AppError('INTERNAL', `${JSON.stringify(name)} is no name for a branch.`);
    const writer = await BranchWriter.open({
      gitDir: this.path,
      disk: this.held.disk,
      ref: `refs/heads/${name}`,
      projection,
      store: (objects) => this.#store(objects),
      treeAt: (commit) => this.snapshotAt(commit),
      isAncestor: (commit, descendant) => this.isAncestor(commit, descendant),
      commitsBetween: (before, after) => this.#commitsBetween(before, after),
      onWritten: (commits) => this.#recent.add(commits),
      onListenerError: (err) => this.held.log.warn({ err }, 'Somebody who listens to a branch failed.'),
    });
    this.#branches.push(writer);
    return writer;
  }

  async readBlobs(ids: readonly string[]): Promise<readonly Buffer[]> {
    return Promise.all(ids.map((id) => this.#blobs.read(id)));
  }

  async snapshotAt(commit: string): Promise<TreeIndex> {
    return TreeIndex.parse(
      await gitBytes(this.location, ['ls-tree', '-r', '-t', '-z', '--full-tree', revision(commit)]),
    );
  }

  async log(query: LogQuery): Promise<readonly LogEntry[]> {
    revision(query.from);
    if (query.after !== undefined) revision(query.after);
    const recent = this.#recentLog(query);
    if (recent !== undefined) return recent;
    try {
      return await readLog(textGit(this.location), query);
    } catch (error) {
      throw storageFailure('The history cannot be read.', error);
    }
  }

  #recentLog({ from, after, path, limit, order }: LogQuery): readonly LogEntry[] | undefined {
    const whole = path === undefined && limit === undefined && order === 'oldest first';
    return whole && after !== undefined ? this.#recent.between(after, from) : undefined;
  }

  async diff(before: string, after: string): Promise<readonly FileChange[]> {
    const trees = [revision(before), revision(after)];
    const args = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', ...trees];
    return parseFileChanges((await gitBytes(this.location, args)).toString('utf8').split('\0'));
  }

  async isAncestor(commit: string, descendant: string): Promise<boolean> {
    const known = await runGit(this.location, ['cat-file', '-e', `${revision(commit)}^{commit}`]);
    if (known.code !== 0) return false;
    const args = ['merge-base', '--is-ancestor', commit, revision(descendant)];
    const { code, complaint } = await runGit(this.location, args);
    if (code === 0 || code === 1) return code === 0;
    throw storageFailure('The history cannot be read.', new Error(complaint));
  }

  async mergeBase(one: string, other: string): Promise<string | undefined> {
    const { code, output, complaint } = await runGit(this.location, [
      'merge-base',
      revision(one),
      revision(other),
    ]);
    if (code === 0) return output.toString('latin1').trim();
    if (code === 1) return undefined;
    throw storageFailure('The history cannot be read.', new Error(complaint));
  }

  async countBetween(without: string | undefined, tip: string): Promise<number> {
    const range = without === undefined ? [] : [`^${revision(without)}`];
    const output = await gitBytes(this.location, ['rev-list', '--count', revision(tip), ...range]);
    return Number(output.toString('latin1'));
  }

  async commitBeside(
    parent: string,
    draft: CommitDraft & Partial<Pick<JoiningDraft, 'takes'>>,
  ): Promise<string> {
    const tree = await this.snapshotAt(parent);
    const change = composeChange({ tip: parent, tree }, { ...draft, evenIfUnchanged: true });
    if (change === undefined) throw new AppError('INTERNAL', 'There is nothing to commit.');
    await this.#store(change.objects);
    return change.entry.commit;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.all(this.#branches.map((branch) => branch.idle()));
    await this.#maintenance.idle();
    await this.#blobs.close();
    await this.held.lock.release();
  }

  async #store(objects: readonly GitObject[]): Promise<void> {
    await writePack(this.path, objects, this.held.disk);
    this.#maintenance.packWritten();
  }

  /** Where `before` is not behind `after` (history was rewritten), only the new tip is news. */
  async #commitsBetween(before: string | undefined, after: string): Promise<readonly string[]> {
    if (before !== undefined && !(await this.isAncestor(before, after))) return [after];
    const range = before === undefined ? [after] : [after, `^${before}`];
    const output = await gitBytes(this.location, ['rev-list', '--first-parent', '--reverse', ...range]);
    return output.toString('latin1').split('\n').filter(Boolean);
  }
}

/** Only a full id or a full branch name reaches git: neither can be taken for an option. */
function revision(text: string): string {
  if (REVISION.test(text)) return text;
  throw new AppError('BAD_REQUEST', `${JSON.stringify(text)} is no commit.`);
}
