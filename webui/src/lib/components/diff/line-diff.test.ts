import { describe, expect, it } from 'vitest';
import { lineDiff } from './line-diff.js';

const marks = { same: ' ', added: '+', removed: '-', gap: '…' };
const shown = (before: string, after: string): string[] =>
  lineDiff(before, after).map(({ kind, text }) => `${marks[kind]}${text}`);

describe('lineDiff', () => {
  it('shows what changed, with three lines around it', () => {
    const lines = 'a b c d e f g h i j'.split(' ');
    const changed = lines.with(5, 'F');
    expect(shown(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`)).toEqual([
      '…',
      ' c',
      ' d',
      ' e',
      '-f',
      '+F',
      ' g',
      ' h',
      ' i',
      '…',
    ]);
  });

  it('keeps the lines that both have', () => {
    expect(shown('a\nx\nb\ny\nc', 'a\nb\nz\nc\nd')).toEqual([' a', '-x', ' b', '-y', '+z', ' c', '+d']);
  });

  it('shows a new file, a removed one, and none', () => {
    expect(shown('', 'a\nb\n')).toEqual(['+a', '+b']);
    expect(shown('a\nb\n', '')).toEqual(['-a', '-b']);
    expect(shown('', '')).toEqual([]);
    expect(shown('a\n', 'a\n')).toEqual(['…']);
  });

  it('shows two long texts that have nothing in common one after the other', () => {
    const text = (prefix: string): string =>
      Array.from({ length: 1_100 }, (_, n) => `${prefix}${n}`).join('\n');
    const lines = shown(text('a'), text('b'));
    expect([lines.length, lines[0], lines[1_099], lines[1_100]]).toEqual([2_200, '-a0', '-a1099', '+b0']);
  });
});
