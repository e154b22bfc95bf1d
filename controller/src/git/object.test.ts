import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { blob, encodeCommit, encodeTree, signatureText } from './object.js';

const at = new Date('2026-11-23T08:15:30.900Z');

/** What stock git makes of the same bytes, its own checks included. */
function hashObject(folder: string, type: string, content: Buffer): string {
  return execFileSync('git', ['-C', folder, 'hash-object', '-t', type, '--stdin'], {
    input: content,
    encoding: 'utf8',
  }).trim();
}

describe('a git object', () => {
  it.each(['', 'x', 'line\n', 'Zürich № 1 🚲', '\0binary', 'y'.repeat(70_000)])(
    'blob %#: has the id that git gives it',
    async (text) => {
      const folder = await temporaryFolder();
      expect(blob(text).id).toBe(hashObject(folder, 'blob', Buffer.from(text)));
    },
  );

  it('tree: has the id that git mktree gives the same entries', async () => {
    const folder = await temporaryFolder();
    stockGit(folder, 'init', '--quiet', '--bare', '.');
    const { id } = blob('content');
    const entries = [
      { name: 'a-b', mode: '100644', id },
      { name: 'a', mode: '040000', id: encodeTree([]).id },
      { name: 'b.sh', mode: '100755', id },
      { name: 'link', mode: '120000', id },
    ];
    const typeOf = (mode: string): string => (mode === '040000' ? 'tree' : 'blob');
    const listing = entries
      .map(({ name, mode, id: object }) => `${mode} ${typeOf(mode)} ${object}\t${name}\n`)
      .join('');
    const expected = execFileSync('git', ['-C', folder, 'mktree', '--missing'], {
      input: listing,
      encoding: 'utf8',
    });
    expect(encodeTree(entries).id).toBe(expected.trim());
  });

  it('the empty tree is the one everybody knows', () => {
    expect(encodeTree([]).id).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });
});

describe('a commit', () => {
  const tree = encodeTree([]).id;
  const who = { name: 'Ada Lovelace', email: 'ada@users.fullstackagent.dev', at };

  it('is what git commit-tree makes of the same parts', async () => {
    const folder = await temporaryFolder();
    stockGit(folder, 'init', '--quiet', '--bare', '.');
    stockGit(folder, 'hash-object', '-t', 'tree', '-w', '/dev/null');
    const date = `${Math.floor(at.getTime() / 1000)} +0000`;
    const expected = execFileSync(
      'git',
      ['-C', folder, 'commit-tree', tree, '-m', 'Subject\n\nAction: stop'],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          GIT_AUTHOR_NAME: 'Ada Lovelace',
          GIT_AUTHOR_EMAIL: who.email,
          GIT_AUTHOR_DATE: date,
          GIT_COMMITTER_NAME: 'Portal',
          GIT_COMMITTER_EMAIL: 'portal@example.com',
          GIT_COMMITTER_DATE: date,
        },
      },
    );
    const committer = { name: 'Portal', email: 'portal@example.com', at };
    const message = 'Subject\n\nAction: stop';
    expect(encodeCommit({ tree, parents: [], author: who, committer, message }).id).toBe(expected.trim());
  });

  it.each([
    ['an address in the name', 'Eve <eve@example.com>'],
    ['a second line', 'Eve\ncommitter Mallory <m@example.com> 0 +0000'],
    ['a NUL', 'Eve\0'],
    ['nothing', ''],
    ['only what git strips', ' .,:;<>"\' '],
    ['half a character', 'Eve \ud83d'],
    ['line separators', 'Eve\u2028Mallory\u0085'],
  ])('with %s in the name passes fsck with one author and one committer', async (_what, name) => {
    const folder = await temporaryFolder();
    const author = { name, email: 'e<v>e\n@example.com', at };
    const commit = encodeCommit({ tree, parents: [], author, committer: who, message: 'Subject\0\n' });
    // hash-object runs git's own check of the format.
    expect(hashObject(folder, 'commit', commit.content)).toBe(commit.id);
    const header = commit.content.toString('utf8').split('\n\n')[0]?.split('\n') ?? [];
    expect(header.map((line) => line.split(' ')[0])).toEqual(['tree', 'author', 'committer']);
  });

  it('names its parents in order and ends in one line end', () => {
    const parents = ['1'.repeat(40), '2'.repeat(40)];
    const { content } = encodeCommit({ tree, parents, author: who, committer: who, message: 'Merge\n\n\n' });
    const text = content.toString('utf8');
    expect(text).toContain(`tree ${tree}\nparent ${parents[0] ?? ''}\nparent ${parents[1] ?? ''}\nauthor `);
    expect(text.endsWith('\n\nMerge\n')).toBe(true);
  });

  it('keeps names of every script', () => {
    for (const name of ['Ада Лавлейс', '李雷', 'José Ñandú', "O'Neill"])
      expect(signatureText(name)).toBe(name);
  });
});
