import { describe, expect, it } from 'vitest';
import { sequenceOf, withCtrl } from './keys.js';

describe('the key bar', () => {
  it('sends what the keys send', () => {
    expect([sequenceOf('Escape', false), sequenceOf('Tab', true), sequenceOf('~', false)]).toEqual([
      '\u001b',
      '\t',
      '~',
    ]);
    expect(sequenceOf('ArrowUp', false)).toBe('\u001b[A');
    expect(sequenceOf('ArrowLeft', true)).toBe('\u001bOD');
  });

  it.each([
    ['c', '\u0003'],
    ['C', '\u0003'],
    ['[', '\u001b'],
    ['@', '\u0000'],
    [' ', '\u0000'],
    ['?', '\u007f'],
    ['1', '1'],
    ['é', 'é'],
    ['pasted text', 'pasted text'],
    ['\u001b[A', '\u001b[A'],
  ])('Ctrl with %j is %j', (typed, expected) => {
    expect(withCtrl(typed)).toBe(expected);
  });
});
