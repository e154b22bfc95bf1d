import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folderOf, type Folder } from './folders.js';
import { gitEnvironment } from './git-environment.js';
import { ObjectReader, parseTree, UnreadableError, type GitObject } from './object-reader.js';
import { readRef } from './ref-watcher.js';

const run = promisify(execFile);
const REF = 'refs/heads/rendered';
const FOLDER_MODE = '40000';

export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** Reads branch `rendered` of the bare repository: from git, never from anybody's memory. */
export class RenderedBranch {
  readonly #objects: ObjectReader;

  constructor(private readonly repository: string) {
    this.#objects = new ObjectReader(repository);
  }

  get refFile(): string {
    return join(this.repository, REF);
  }

  /** The commit the branch is at; undefined while there is no such branch. */
  tip(): Promise<string | undefined> {
    return readRef(this.repository, REF);
  }

  /**
   * The folders that any commit after `from` touched, up to and with `to`; all of them where there is no `from`. Throws
   * where `to` does not come after `from`.
   *
   * Not the difference of the two: a commit that is taken back by the next one leaves none, and its folder would never
   * report that it is past both. Flux moves every Kustomization to the new tip instead; here that would be a report,
   * and an event for everybody who watches, of each project at each commit for any of them.
   */
  async changedFolders(from: string | undefined, to: string): Promise<readonly Folder[]> {
    if (from === undefined) return foldersOf(await this.#git('ls-tree', '-r', '-z', '--name-only', to));
    await this.#git('merge-base', '--is-ancestor', from, to);
    // With -m, each commit against each of its parents: whichever way leads from one to the other, nothing is left out.
    const touched = ['log', '-z', '-m', '--format=', '--name-only', '--no-renames'];
    return foldersOf(await this.#git(...touched, `${from}..${to}`));
  }

  /**
   * The YAML files of a folder as of a commit, sorted by name; none where the commit does not have the folder. Throws
   * UnreadableError where that cannot be told: an empty answer is a reason to prune everything.
   */
  async files(commit: string, folder: string): Promise<readonly ManifestFile[]> {
    const tree = await this.#objects.read(`${commit}:${folder}`);
    if (tree === undefined) {
      await this.#demandAbsent(commit, folder);
      return [];
    }
    if (tree.type !== 'tree') return [];
    const entries = parseTree(tree.content).filter(
      ({ mode, name }) => mode === '100644' && name.endsWith('.yaml'),
    );
    return Promise.all(
      entries.map(async ({ id, name }) => {
        const blob = await this.#demand(id, `${folder}/${name}`);
        return { path: `${folder}/${name}`, text: blob.content.toString('utf8') };
      }),
    );
  }

  /** Git calls a path missing when it is not in the commit, and when an object on the way to it is lost. */
  async #demandAbsent(commit: string, folder: string): Promise<void> {
    let tree = await this.#demand(`${commit}^{tree}`, `commit ${commit}`);
    const steps = folder.split('/');
    for (const [depth, name] of steps.entries()) {
      const entry = parseTree(tree.content).find((candidate) => candidate.name === name);
      if (entry?.mode !== FOLDER_MODE) return;
      tree = await this.#demand(entry.id, steps.slice(0, depth + 1).join('/'));
    }
    throw new UnreadableError(`${folder} cannot be read from the repository.`);
  }

  async #demand(id: string, what: string): Promise<GitObject> {
    const object = await this.#objects.read(id);
    if (object === undefined)
      throw new UnreadableError(`${what} cannot be read: it is missing from the repository.`);
    return object;
  }

  close(): void {
    this.#objects.close();
  }

  /** What git printed. Throws where it fails. */
  async #git(...args: readonly string[]): Promise<string> {
    const fixed = ['-c', 'safe.directory=*', `--git-dir=${this.repository}`];
    const { stdout } = await run('git', [...fixed, ...args], {
      env: gitEnvironment(),
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
  }
}

function foldersOf(paths: string): readonly Folder[] {
  const folders = new Map<string, Folder>();
  for (const path of paths.split('\0')) {
    const folder = folderOf(path);
    if (folder !== undefined) folders.set(folder.path, folder);
  }
  return [...folders.values()];
}
