import { describe, expect, it } from 'vitest';
import { parseKey, projectApi, projectHref, projectKey } from './paths.js';

describe('project keys', () => {
  const mine = { namespace: 'ns-aaaa1111', id: 'blog' };
  const theirs = { namespace: 'ns-bbbb2222', id: 'blog' };

  it('name the namespace only where it is not one’s own', () => {
    expect(projectKey(mine, 'ns-aaaa1111')).toBe('blog');
    expect(projectKey(theirs, 'ns-aaaa1111')).toBe('ns-bbbb2222~blog');
  });

  it('lead back to the project', () => {
    for (const project of [mine, theirs])
      expect(parseKey(projectKey(project, 'ns-aaaa1111'), 'ns-aaaa1111')).toEqual(project);
  });

  it('make addresses', () => {
    expect(projectHref('blog')).toBe('/projects/blog');
    expect(projectHref('blog', 'terminal')).toBe('/projects/blog/terminal');
    expect(projectApi('ns-bbbb2222~blog', 'environment')).toBe('/api/projects/ns-bbbb2222~blog/environment');
  });
});
