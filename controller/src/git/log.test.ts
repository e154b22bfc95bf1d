import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openForTest, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import type { Repository } from '../model/repository.js';
import { plainProjection } from './plain-projection.js';

const at = new Date('2026-11-23T08:00:00Z');
const ada = { name: 'Ada', email: 'ada@example.com', at };

type Files = Readonly<Record<string, string | null>>;

async function history(
  ...commits: readonly { message: string; files: Files }[]
): Promise<{ repository: Repository; ids: string[] }> {
  const repository = await openForTest(`${await temporaryFolder()}/gitops.git`);
  const main = await repository.branch('main', plainProjection);
  const ids: string[] = [];
  for (const { message, files } of commits) {
    const edits = Object.entries(files).map(([path, content]) => ({ path, content }));
    const { commit } = await main.submit(() => ({
      author: ada,
      committer: ada,
      message,
      edits,
      evenIfUnchanged: true,
    }));
    ids.push(commit);
  }
  return { repository, ids };
}

describe('the log', () => {
  it('tells of commits with files, without, and of the first one', async () => {
    const { repository, ids } = await history(
      { message: 'First\n\nAction: create\nProject: ns/x\n', files: { a: '1', 'd/b': '2' } },
      { message: 'Nothing', files: {} },
      { message: 'Change: and remove', files: { a: '2', 'd/b': null } },
    );
    const log = await repository.log({ from: 'refs/heads/main', order: 'oldest first', files: true });
    expect(log.map(({ commit }) => commit)).toEqual(ids);
    expect(log.map(({ parent }) => parent)).toEqual([undefined, ids[0], ids[1]]);
    expect(log.map(({ subject }) => subject)).toEqual(['First', 'Nothing', 'Change: and remove']);
    expect(log[0]?.trailers).toEqual(
      new Map([
        ['Action', 'create'],
        ['Project', 'ns/x'],
      ]),
    );
    expect(log[0]?.files.map(({ path, before }) => [path, before])).toEqual([
      ['a', null],
      ['d/b', null],
    ]);
    expect(log[1]).toMatchObject({ files: [], author: { name: 'Ada', email: 'ada@example.com' }, at });
    expect(log[1]?.trailers.size).toBe(0);
    const [first, last] = [log[0]?.files ?? [], log[2]?.files ?? []];
    expect(last).toEqual([
      { path: 'a', before: first[0]?.after, after: stockGit(repository.path, 'rev-parse', 'main:a') },
      { path: 'd/b', before: first[1]?.after, after: null },
    ]);
  });

  it('can be asked for a part: newest first, so many, after one, touching one path', async () => {
    const { repository, ids } = await history(
      ...['a', 'b', 'a', 'c'].map((path, index) => ({ message: `${index}`, files: { [path]: `${index}` } })),
    );
    const subjects = async (query: Partial<Parameters<Repository['log']>[0]>): Promise<string[]> =>
      (await repository.log({ from: 'refs/heads/main', order: 'newest first', ...query })).map(
        ({ subject }) => subject,
      );
    expect(await subjects({})).toEqual(['3', '2', '1', '0']);
    expect(await subjects({ limit: 2 })).toEqual(['3', '2']);
    expect(await subjects({ path: 'a' })).toEqual(['2', '0']);
    expect(await subjects({ from: ids[1] ?? '', path: 'a' })).toEqual(['0']);
    expect(await subjects({ after: ids[1] ?? '', order: 'oldest first' })).toEqual(['2', '3']);
    expect(await subjects({ path: 'none' })).toEqual([]);
  });

  it('follows first parents, and tells of a merge what it brought', async () => {
    const { repository, ids } = await history({ message: 'base', files: { a: '1' } });
    const git = (args: readonly string[], input = ''): string =>
      execFileSync(
        'git',
        [`--git-dir=${repository.path}`, '-c', 'user.name=H', '-c', 'user.email=h@example.com', ...args],
        { input, encoding: 'utf8' },
      ).trim();
    const blob = git(['hash-object', '-w', '--stdin'], 'side');
    const a = git(['rev-parse', 'main:a']);
    const tree = git(['mktree'], `100644 blob ${a}\ta\n100644 blob ${blob}\tside\n`);
    const side = git(['commit-tree', tree, '-p', ids[0] ?? '', '-m', 'side']);
    const merge = git(['commit-tree', tree, '-p', ids[0] ?? '', '-p', side, '-m', 'merge']);
    const log = await repository.log({ from: merge, order: 'newest first', files: true });
    expect(log.map(({ subject }) => subject)).toEqual(['merge', 'base']);
    expect(log[0]?.files).toEqual([{ path: 'side', before: null, after: blob }]);
  });

  it('takes nothing for an option, and no name that somebody made up', async () => {
    const { repository } = await history({ message: 'x', files: { a: '1' } });
    for (const from of ['--all', '-p', 'HEAD', 'main', 'main..other', '$(id)', ''])
      await expect(repository.log({ from, order: 'newest first' })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    await expect(repository.log({ from: '1'.repeat(40), order: 'newest first' })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect(await repository.log({ from: 'refs/heads/main', order: 'newest first', path: '--all' })).toEqual(
      [],
    );
  });

  it('knows what comes after what', async () => {
    const { repository, ids } = await history({ message: '0', files: {} }, { message: '1', files: {} });
    const [first = '', second = ''] = ids;
    expect(await repository.isAncestor(first, second)).toBe(true);
    expect(await repository.isAncestor(first, first)).toBe(true);
    expect(await repository.isAncestor(second, first)).toBe(false);
    expect(await repository.isAncestor('1'.repeat(40), second)).toBe(false);
  });
});
