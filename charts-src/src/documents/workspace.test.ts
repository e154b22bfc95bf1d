import { describe, expect, it } from 'vitest';
import { exampleProject } from '../testing/arbitrary-documents.js';
import { projectSchema } from './project.js';
import { SYSTEM_PROMPT_MAX_BYTES, workspaceSchema } from './workspace.js';

const problem = (workspace: unknown): string | undefined =>
  workspaceSchema.safeParse(workspace).error?.issues[0]?.message;
const url = (text: string): string | undefined => problem({ repository: { url: text } });
const branch = (name: string): string | undefined =>
  problem({ repository: { url: 'https://github.com/team/blog.git', branch: name } });

describe('the repository of a workspace', () => {
  it.each([
    'https://github.com/team/blog.git',
    'https://github.com/team/blog',
    'https://git.example.com:8443/~ada/blog.git/',
    'https://[::1]:8443/blog.git',
    'https://gitlab.example/group/@scope/blog%20b.git',
  ])('is at %s', (text) => {
    expect(url(text)).toBeUndefined();
  });

  it.each([
    ['without a scheme', 'github.com/team/blog'],
    ['over plain HTTP', 'http://github.com/team/blog.git'],
    ['over SSH', 'ssh://github.com/team/blog.git'],
    ['as scp writes it', 'git@github.com:team/blog.git'],
    ['on this disk', 'file:///etc'],
    ['through a program', 'ext::sh -c id'],
    ['that is an option', '--upload-pack=id'],
    ['without a path', 'https://github.com'],
    ['with a query', 'https://github.com/team/blog?private_token=x'],
    ['with a fragment', 'https://github.com/team/blog#x'],
    ['with a space', 'https://github.com/team/my blog'],
    ['with a line end', 'https://github.com/team/blog\nhttps://x/y'],
    ['with a backslash', 'https://github.com\\evil.example/x'],
    ['with characters that only look like a host', 'https://gith\u00fcb.com/team/blog'],
  ])('is not an address %s', (_what, text) => {
    expect(url(text)).toMatch(/An address is written like/);
  });

  it.each([
    'https://ada:secret@github.com/team/blog',
    'https://ghp_token@github.com/team/blog',
    'http://a@b/c',
  ])('has no credentials: %s', (text) => {
    expect(url(text)).toMatch(/GH_TOKEN among the secret variables/);
  });

  it.each(['main', 'feature/new-look', 'v1.2.3', 'été', 'a@b', '@a', "it's", '$(id)'])(
    'has a branch %s',
    (name) => {
      expect(branch(name)).toBeUndefined();
    },
  );

  it.each([
    ...[
      '',
      '-x',
      '--upload-pack=id',
      '/a',
      'a/',
      'a//b',
      'a..b',
      'a.',
      'a.lock',
      'a.lock/b',
      '.a',
      'a/.b',
      '@',
    ],
    ...[
      'a@{1}',
      'a b',
      'a~1',
      'a^',
      'a:b',
      'a?',
      'a*',
      'a[b',
      'a\\b',
      'a\nb',
      'a\u007f',
      'a\u2028',
      '\ud800',
    ],
    'x'.repeat(201),
  ])('has no branch %j', (name) => {
    expect(branch(name)).toBeDefined();
  });
});

describe('the system prompt', () => {
  it.each(['x', 'One\n\tTwo\r\n', '😀 $(id) `id` {{ x }}', 'x'.repeat(SYSTEM_PROMPT_MAX_BYTES)])(
    'may be %j',
    (text) => {
      expect(problem({ systemPrompt: text })).toBeUndefined();
    },
  );

  it.each(['', ' \n', 'a\0', 'a\u001b[2J', 'a\u0085', '\ud800', 'é'.repeat(SYSTEM_PROMPT_MAX_BYTES / 2 + 1)])(
    'may not be %j',
    (text) => {
      expect(problem({ systemPrompt: text })).toBeDefined();
    },
  );
});

describe('the git identity', () => {
  it.each([
    [{ name: ' Ada Lovelace ', email: 'ada@example.com' }, true],
    [{ name: 'Ada' }, true],
    [{ email: 'ada@localhost' }, true],
    [{ name: 'Ada <ada@example.com>' }, false],
    [{ name: '...' }, false],
    [{ name: 'a\nb' }, false],
    [{ email: 'ada' }, false],
    [{ email: 'ada@a@b' }, false],
    [{ email: 'a b@c' }, false],
  ])('%j: %s', (git, isRight) => {
    expect(problem({ git }) === undefined).toBe(isRight);
  });
});

it('is what a variable cannot say: its names are taken', () => {
  for (const name of [
    'FULLSTACKAGENT_REPOSITORY',
    'FULLSTACKAGENT_SYSTEM_PROMPT',
    'FULLSTACKAGENT_GIT_EMAIL',
  ])
    expect(projectSchema.safeParse(exampleProject({ env: [{ name, value: 'x' }] })).success).toBe(false);
});
