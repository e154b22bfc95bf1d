import { describe, expect, it } from 'vitest';
import { asOneLine, linesOf, pasteable, runsAtOnce } from './paste.js';

describe('a paste', () => {
  it.each([
    ['the end of a bracketed paste', 'ls\u001b[201~; rm -rf x\r', 'ls[201~; rm -rf x\r'],
    ['the same in one byte of C1', 'ls\u009b201~', 'ls201~'],
    ['an interrupt', 'a\u0003b', 'ab'],
    ['a backspace that hides a word', 'rm x\b\b\bls', 'rm xls'],
    ['DEL', 'a\u007fb', 'ab'],
  ])('is without %s', (_what, text, expected) => {
    expect(pasteable(text)).toBe(expected);
  });

  it('keeps tabs, line ends and every letter', () => {
    const text = 'if x:\n\tprint("Grüße 👩‍💻 日本")\r\n';
    expect(pasteable(text)).toBe(text);
  });

  it.each<[string, boolean, boolean]>([
    ['one line', false, false],
    ['one line\n', false, false],
    ['one\ntwo', false, true],
    ['one\rtwo', false, true],
    ['one\r\ntwo\r\n', false, true],
    ['one\ntwo', true, false],
  ])('of %j, bracketed: %s, runs at once: %s', (text, bracketed, runs) => {
    expect(runsAtOnce(text, bracketed)).toBe(runs);
  });

  it('counts lines as a shell does', () => {
    expect(linesOf('a\r\nb\n\nc\n\n')).toEqual(['a', 'b', '', 'c']);
  });

  it('becomes one line', () => {
    expect(asOneLine('git add . \n\n  git commit\n')).toBe('git add . git commit');
  });
});
