import { execFileSync } from 'node:child_process';

/** Stock git, the way a person would look at the repository. Bytes, because blobs may hold anything. */
export function gitBytes(repository: string, ...args: readonly string[]): Buffer {
  return execFileSync('git', ['-C', repository, ...args], {
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A repository of another user's is refused without this, and the platform may not run as the one who looks.
    env: {
      ...process.env,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    },
  });
}

export const git = (repository: string, ...args: readonly string[]): string =>
  gitBytes(repository, ...args)
    .toString('utf8')
    .trimEnd();

export interface Commit {
  readonly id: string;
  readonly subject: string;
  readonly author: string;
  readonly email: string;
  readonly committer: string;
  readonly parents: readonly string[];
  readonly trailers: ReadonlyMap<string, string>;
}

const FORMAT = ['%H', '%s', '%an', '%ae', '%cn', '%P', '%(trailers:only,unfold)'].join('%x1f') + '%x1e';

function parse(record: string): Commit {
  const [id = '', subject = '', author = '', email = '', committer = '', parents = '', trailers = ''] =
    record.split('\u001f');
  const pairs = trailers
    .split('\n')
    .map((line) => /^([A-Za-z-]+): (.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match): [string, string] => [match[1] ?? '', match[2] ?? '']);
  return {
    id,
    subject,
    author,
    email,
    committer,
    parents: parents.split(' ').filter(Boolean),
    trailers: new Map(pairs),
  };
}

/** The commits of a branch, oldest first. */
export function log(repository: string, branch: string): readonly Commit[] {
  return git(repository, 'log', '--reverse', `--format=${FORMAT}`, branch)
    .split('\u001e')
    .map((record) => record.trim())
    .filter((record) => record !== '')
    .map(parse);
}

export const tip = (repository: string, branch: string): string =>
  git(repository, 'rev-parse', `refs/heads/${branch}`);

/** Every object of the repository that is reachable or not, loose or packed. */
export function allObjects(repository: string): readonly { id: string; type: string }[] {
  return git(
    repository,
    'cat-file',
    '--batch-check=%(objectname) %(objecttype)',
    '--batch-all-objects',
    '--unordered',
  )
    .split('\n')
    .map((line) => line.split(' '))
    .map(([id = '', type = '']) => ({ id, type }));
}

/** Every blob and commit of the repository in one buffer, for searching. */
export function everyByte(repository: string): Buffer {
  const wanted = allObjects(repository).filter(({ type }) => type === 'blob' || type === 'commit');
  return execFileSync('git', ['-C', repository, 'cat-file', '--batch'], {
    input: wanted.map(({ id }) => `${id}\n`).join(''),
    maxBuffer: 1024 * 1024 * 1024,
    env: {
      ...process.env,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    },
  });
}
