import { describe, expect, it } from 'vitest';
import { secretIn, shareLink } from './shares.js';

const SECRET = 'Ab1'.repeat(13) + 'x';

describe('the link of a share', () => {
  it('has its secret where browsers tell no server about it', () => {
    const url = new URL(shareLink('https://portal.example', { id: 'abc', secret: SECRET }));
    expect(url.pathname + url.search).toBe('/share/abc');
    expect(secretIn(url.hash)).toBe(SECRET);
  });

  it.each(['', '#', '#top', `#${SECRET}x`, `#${SECRET.slice(1)}`, `#${SECRET.slice(1)} `])(
    'is not complete with %j',
    (hash) => {
      expect(secretIn(hash)).toBeUndefined();
    },
  );
});
