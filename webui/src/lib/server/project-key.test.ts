import { describe, expect, it } from 'vitest';
import { projectIdOf, projectKeyOf } from './project-key.js';

const own = 'ns-abcd1234';

describe('projectKeyOf', () => {
  it('reads a name in the own namespace, and one with its namespace', () => {
    expect(projectKeyOf('my-blog', own)).toEqual({ namespace: own, name: 'my-blog' });
    expect(projectKeyOf('ns-zzzz9999~my-blog', own)).toEqual({ namespace: 'ns-zzzz9999', name: 'my-blog' });
  });

  it.each([
    '',
    '~',
    '~blog',
    'ns-abcd1234~',
    'ns-abcd1234~a~b',
    'default~blog',
    'NS-ABCD1234~blog',
    '../../etc/passwd',
    'a/b',
    'a%2fb',
    'a b',
    'My-Blog',
    'a--b',
    'blog\n',
    'blog\0',
    'new',
    '__proto__',
    'a'.repeat(27),
  ])('refuses %j as it refuses a project that is not there', (id) => {
    expect(() => projectKeyOf(id, own)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }) as Error);
  });

  it('goes there and back', () => {
    for (const key of [
      { namespace: own, name: 'blog' },
      { namespace: 'ns-zzzz9999', name: 'blog' },
    ])
      expect(projectKeyOf(projectIdOf(key, own), own)).toEqual(key);
  });
});
