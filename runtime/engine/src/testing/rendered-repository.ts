import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gitEnvironment } from '../follow/git-environment.js';

const run = promisify(execFile);

/** A bare repository with branch `rendered`, written with stock git. */
export class RenderedRepository {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<RenderedRepository> {
    const repository = new RenderedRepository(await mkdtemp(join(tmpdir(), 'fsa-rendered-')));
    await run('git', ['init', '-q', '--bare', repository.path]);
    return repository;
  }

  get path(): string {
    return join(this.folder, 'repository.git');
  }

  /** Makes the branch hold exactly these files; answers the commit. */
  async commit(files: Readonly<Record<string, string>>): Promise<string> {
    const work = await mkdtemp(join(this.folder, 'work-'));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), text);
    }
    const env = {
      ...gitEnvironment(),
      GIT_DIR: this.path,
      GIT_WORK_TREE: work,
      GIT_INDEX_FILE: join(work, '.index'),
      GIT_AUTHOR_NAME: 'test',
      GIT_AUTHOR_EMAIL: 'test@example.com',
      GIT_COMMITTER_NAME: 'test',
      GIT_COMMITTER_EMAIL: 'test@example.com',
    };
    const git = async (...args: string[]): Promise<string> =>
      (await run('git', args, { env, cwd: work })).stdout.trim();
    await git('add', '-A', '--', ...Object.keys(files));
    const tree = await git('write-tree');
    const parent = await git('rev-parse', '-q', '--verify', 'refs/heads/rendered').catch(() => undefined);
    const commit = await git(
      'commit-tree',
      tree,
      '-m',
      'render',
      ...(parent === undefined ? [] : ['-p', parent]),
    );
    await git('update-ref', 'refs/heads/rendered', commit);
    return commit;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
