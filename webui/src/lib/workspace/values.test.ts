import { describe, expect, it } from 'vitest';
import { isSame, rebased, summaryOf, valuesOf, workspaceOf } from './values.js';

const full = {
  repository: { url: 'https://github.com/team/blog.git', branch: 'main' },
  systemPrompt: 'Use tabs.\n',
  git: { name: 'Ada', email: 'ada@example.com' },
};

describe('what a workspace begins with, in a form', () => {
  it.each([
    {},
    full,
    { systemPrompt: 'x' },
    { git: { email: 'a@b' } },
    { repository: { url: 'https://x/y' } },
  ])('comes out as it went in: %j', (workspace) => {
    expect(workspaceOf(valuesOf(workspace))).toEqual(workspace);
  });

  it('leaves out what is blank, and asks for an address that is wanted', () => {
    expect(workspaceOf({ ...valuesOf(), systemPrompt: ' \n', gitName: ' ' })).toEqual({});
    expect(workspaceOf({ ...valuesOf(), source: 'repository', branch: ' main ' })).toEqual({
      repository: { url: '', branch: 'main' },
    });
    expect(workspaceOf({ ...valuesOf(full), source: 'empty' })).not.toHaveProperty('repository');
  });

  it('is the same where only blanks around it differ', () => {
    expect(isSame(valuesOf(full), { ...valuesOf(full), gitName: ' Ada ' })).toBe(true);
    expect(isSame(valuesOf(full), { ...valuesOf(full), branch: '' })).toBe(false);
  });

  it('is told in one line', () => {
    expect(summaryOf(valuesOf())).toBe('An empty workspace');
    expect(summaryOf(valuesOf(full))).toBe('github.com/team/blog.git, a system prompt, a git identity');
    expect(summaryOf({ ...valuesOf(), source: 'repository' })).toBe('A git repository');
  });

  it('is put on top of what somebody else saved', () => {
    const base = valuesOf(full);
    const theirs = { ...base, branch: 'next', gitName: 'Grace' };
    const mine = { ...base, systemPrompt: 'Mine', gitName: 'Countess' };
    expect(rebased({ mine, base, theirs }, () => false)).toEqual({
      ...theirs,
      ...{ systemPrompt: 'Mine', gitName: 'Countess' },
    });
    expect(rebased({ mine, base, theirs }, (field) => field === 'workspace.git.name').gitName).toBe('Grace');
    expect(rebased({ mine, base, theirs }, (field) => field === '')).toEqual(theirs);
  });

  it('takes a repository and its branch from one side', () => {
    const base = valuesOf(full);
    const theirs = { ...base, branch: 'next' };
    const mine = { ...base, url: 'https://github.com/other/x' };
    expect(rebased({ mine, base, theirs }, () => false)).toEqual(mine);
    expect(rebased({ mine, base, theirs }, (field) => field === 'workspace.repository')).toEqual(theirs);
  });
});
