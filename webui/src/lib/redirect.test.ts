import { describe, expect, it } from 'vitest';
import { HOME, loginPath, safeNext } from './redirect.js';

describe('safeNext', () => {
  it.each(['/projects/blog/terminal', '/projects?q=a#b', '/settings'])('goes to %s', (next) => {
    expect(safeNext(next)).toBe(next);
  });

  it.each([
    null,
    '',
    'projects',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '\\\\evil.example',
    'javascript:alert(1)',
    '/..//evil.example',
    '///evil.example',
  ])('stays at home for %j', (next) => {
    expect(safeNext(next)).toBe(HOME);
  });

  it('leads back through the sign-in page', () => {
    expect(loginPath('/projects')).toBe('/login');
    const next = '/projects/blog/terminal?x=1&y=2';
    expect(safeNext(new URL(loginPath(next), 'http://x').searchParams.get('next'))).toBe(next);
  });
});
