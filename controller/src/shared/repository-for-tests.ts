import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openRepository, type RepositoryOptions } from '../git/index.js';
import type { Repository } from '../model/repository.js';

/** Real repositories in temporary folders, which go away with the test. */

export const quietLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const repositoryOptions: RepositoryOptions = {
  log: quietLog,
  // eslint-disable-next-line no-restricted-syntax -- a test is its own composition root
  searchPath: process.env['PATH'] ?? '',
  staleLockMs: 50,
};

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fsa-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens the repository; it is closed when the test ends, if the test did not close it. */
export async function openForTest(path: string): Promise<Repository> {
  const repository = await openRepository(path, repositoryOptions);
  onTestFinished(() => repository.close());
  return repository;
}

/** Stock git, as a person would use it on the folder. */
export const stockGit = (folder: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', folder, '-c', 'safe.directory=*', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  }).trimEnd();

/** What a person would do to change a file past the portal. */
export function commitWithStockGit(
  gitDir: string,
  branch: string,
  files: Readonly<Record<string, string | null>>,
): string {
  const env = {
    // eslint-disable-next-line no-restricted-syntax -- a test is its own composition root
    ...process.env,
    GIT_INDEX_FILE: join(gitDir, 'index-for-test'),
    GIT_AUTHOR_NAME: 'Hand',
    GIT_AUTHOR_EMAIL: 'hand@example.com',
    GIT_COMMITTER_NAME: 'Hand',
    GIT_COMMITTER_EMAIL: 'hand@example.com',
  };
  const git = (args: readonly string[], input = ''): string =>
    execFileSync('git', [`--git-dir=${gitDir}`, ...args], { env, input, encoding: 'utf8' }).trim();
  const parent = git(['rev-parse', `refs/heads/${branch}`]);
  git(['read-tree', parent]);
  const lines = Object.entries(files).map(([path, content]) =>
    content === null
      ? `0 ${'0'.repeat(40)}\t${path}\n`
      : `100644 ${git(['hash-object', '-w', '--stdin'], content)}\t${path}\n`,
  );
  git(['update-index', '--index-info'], lines.join(''));
  const commit = git(['commit-tree', git(['write-tree']), '-p', parent, '-m', 'By hand']);
  git(['update-ref', `refs/heads/${branch}`, commit, parent]);
  return commit;
}
