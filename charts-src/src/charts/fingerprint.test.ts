import { expect, it } from 'vitest';
import { fingerprint } from './fingerprint.js';

// From the authors' list of test vectors, in base 36.
it.each([
  ['', 0xcbf29ce484222325n],
  ['a', 0xaf63dc4c8601ec8cn],
  ['foobar', 0x85944171f73967e8n],
])('the fingerprint of "%s" is FNV-1a', (text, expected) => {
  expect(fingerprint(text)).toBe(expected.toString(36).padStart(13, '0'));
});

it('always has the length and the characters of a part of a name', () => {
  for (const text of ['', 'a', '\u0000', '漢字', 'x'.repeat(1000)])
    expect(fingerprint(text)).toMatch(/^[a-z0-9]{13}$/);
});
