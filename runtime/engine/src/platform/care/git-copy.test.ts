import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pollUntil } from '../../files/polling.js';
import { copyRepository } from './git-copy.js';

let base = '';
let repository = '';
let writer: ChildProcess | undefined;

const git = (...args: string[]): string =>
  execFileSync('git', args, { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: base } }).trim();

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'fsa-git-copy-'));
  repository = join(base, 'gitops.git');
  git('init', '--quiet', '--bare', '--initial-branch=main', repository);
  writeFileSync(join(repository, 'fullstackagent.config'), '[core]\n\tfsync = all\n');
});

afterEach(async () => {
  if (writer !== undefined && writer.exitCode === null && writer.signalCode === null) {
    const gone = once(writer, 'close');
    writer.kill('SIGKILL');
    await gone;
  }
  rmSync(base, { recursive: true, force: true });
});

/** As the platform does: main first, then a commit on rendered that names it; packed up again and again. */
const WRITER = `cd "$1"
n=0
while :; do
  n=$((n + 1))
  blob=$(echo "$n" | git hash-object -w --stdin)
  tree=$(printf '100644 blob %s\\tfile\\n' "$blob" | git mktree)
  main=$(git commit-tree "$tree" -m "$n" \${main:+-p $main})
  git update-ref refs/heads/main "$main"
  rendered=$(git commit-tree "$tree" -m "Intent-Commit: $main" \${rendered:+-p $rendered})
  git update-ref refs/heads/rendered "$rendered"
  git pack-refs --all
  git update-server-info
  if [ $((n % 7)) = 0 ]; then git repack -q -a -d; fi
  echo "$n"
done`;

it('is whole, with rendered never ahead of main, while both are written and packed', async () => {
  const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a' };
  writer = spawn('sh', ['-c', WRITER, 'sh', repository], {
    env: { PATH: process.env['PATH'], HOME: base, GIT_COMMITTER_EMAIL: 'a@b', ...identity },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let written = 0;
  writer.stdout?.on(
    'data',
    (chunk: Buffer) => (written = Number(chunk.toString().trim().split('\n').at(-1))),
  );
  for (let copy = 1; copy <= 5; copy += 1) {
    const from = written;
    const more = await pollUntil(() => (written >= from + 5 ? true : undefined), {
      everyMs: 5,
      deadlineMs: 45_000,
    });
    expect(more).toBe(true);
    const target = join(base, `copy-${copy}`);
    await copyRepository(repository, target);
    expect(git('--git-dir', target, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
    const named = /Intent-Commit: (\S+)/.exec(
      git('--git-dir', target, 'log', '-1', '--format=%B', 'rendered'),
    );
    // Throws where main does not have it.
    git('--git-dir', target, 'merge-base', '--is-ancestor', named?.[1] ?? '', 'main');
    expect(Number(git('--git-dir', target, 'log', '-1', '--format=%s', 'main'))).toBeGreaterThanOrEqual(from);
    expect(readFileSync(join(target, 'fullstackagent.config'), 'utf8')).toContain('fsync = all');
  }
});

it('leaves out what git is about to give another name', async () => {
  const half = ['packed-refs.new', 'packed-refs.lock', 'config.lock', 'gc.pid', join('info', 'refs_gW8Sxh')];
  for (const name of half) writeFileSync(join(repository, name), 'x');
  const target = join(base, 'copy');
  await copyRepository(repository, target);
  expect(half.filter((name) => existsSync(join(target, name)))).toEqual([]);
  expect(existsSync(join(target, 'info', 'exclude'))).toBe(true);
  git('--git-dir', target, 'fetch', '--quiet', makeClone(), 'main:main');
  git('--git-dir', target, 'pack-refs', '--all');
  expect(readFileSync(join(target, 'packed-refs'), 'utf8')).toContain('refs/heads/main');
});

it('copies a repository without a commit', async () => {
  const target = join(base, 'copy');
  await copyRepository(repository, target);
  expect(git('--git-dir', target, 'rev-parse', '--is-bare-repository')).toBe('true');
});

it('says that a repository which lacks an object cannot be copied', async () => {
  git('--git-dir', repository, 'fetch', '--quiet', makeClone(), 'main:main');
  const id = git('--git-dir', repository, 'rev-parse', 'main^{tree}');
  rmSync(join(repository, 'objects', id.slice(0, 2), id.slice(2)));
  await expect(copyRepository(repository, join(base, 'copy'))).rejects.toThrow(
    'The copy of the repository is not complete: nothing was written.',
  );
});

function makeClone(): string {
  const folder = join(base, 'work');
  git('init', '--quiet', '--initial-branch=main', folder);
  writeFileSync(join(folder, 'file'), 'x');
  git('-C', folder, 'add', 'file');
  git('-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'one');
  return folder;
}
