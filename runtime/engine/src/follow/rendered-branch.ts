import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folderOf, type Folder } from './folders.js';
import { gitEnvironment } from './git-environment.js';
import { ObjectReader, parseTree } from './object-reader.js';
import { readRef } from './ref-watcher.js';

const run = promisify(execFile);
const REF = 'refs/heads/rendered';

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

  /** The folders that differ between two commits; all of them where there is no `from`. */
  async changedFolders(from: string | undefined, to: string): Promise<readonly Folder[]> {
    const args =
      from === undefined
        ? ['ls-tree', '-r', '-z', '--name-only', to]
        : ['diff-tree', '-r', '-z', '--no-commit-id', '--name-only', '--no-renames', from, to];
    const { stdout } = await run('git', ['-c', 'safe.directory=*', `--git-dir=${this.repository}`, ...args], {
      env: gitEnvironment(),
      maxBuffer: 256 * 1024 * 1024,
    });
    const folders = new Map<string, Folder>();
    for (const path of stdout.split('\0')) {
      const folder = folderOf(path);
      if (folder !== undefined) folders.set(folder.path, folder);
    }
    return [...folders.values()];
  }

  /** The YAML files of a folder as of a commit, sorted by name; none where the folder is gone. */
  async files(commit: string, folder: string): Promise<readonly ManifestFile[]> {
    const tree = await this.#objects.read(`${commit}:${folder}`);
    if (tree?.type !== 'tree') return [];
    const entries = parseTree(tree.content).filter(
      ({ mode, name }) => mode === '100644' && name.endsWith('.yaml'),
    );
    return Promise.all(
      entries.map(async ({ id, name }) => {
        const blob = await this.#objects.read(id);
        if (blob === undefined) throw new Error(`${folder}/${name} cannot be read from the repository.`);
        return { path: `${folder}/${name}`, text: blob.content.toString('utf8') };
      }),
    );
  }

  close(): void {
    this.#objects.close();
  }
}
