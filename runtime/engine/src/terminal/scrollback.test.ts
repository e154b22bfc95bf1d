import { describe, expect, it } from 'vitest';
import { Scrollback, withoutQueries } from './scrollback.js';

describe('Scrollback', () => {
  it('keeps everything while there is room', () => {
    const scrollback = new Scrollback(100);
    scrollback.push(Buffer.from('a\n'));
    scrollback.push(Buffer.from('b'));
    expect(scrollback.content().toString()).toBe('a\nb');
  });

  it('is bounded, and begins at the start of a line', () => {
    const scrollback = new Scrollback(50);
    for (let line = 0; line < 1000; line += 1) scrollback.push(Buffer.from(`line ${line}\n`));
    const text = scrollback.content().toString();
    expect(text.length).toBeLessThanOrEqual(50);
    expect(text).toMatch(/^line \d+\n/);
    expect(text).toContain('line 999\n');
  });

  it('does not begin inside a character', () => {
    const scrollback = new Scrollback(10);
    scrollback.push(Buffer.from('€'.repeat(40)));
    expect(scrollback.content().toString()).not.toContain('\ufffd');
  });
});

describe('withoutQueries', () => {
  const shown =
    'before \u001b[1;31mred\u001b[0m €\u001b[2J\u001b]0;title\u0007\u001b]11;#000000\u0007\u001b[22;0;0t after';

  it.each([
    '\u0005',
    '\u001b[c',
    '\u001b[0c',
    '\u001b[>c',
    '\u001b[6n',
    '\u001b[?6n',
    '\u001b[?2026$p',
    '\u001b[>0q',
    '\u001b[?u',
    '\u001b[18t',
    '\u001b[14;2t',
    '\u001bP+q544e\u001b\\',
    '\u001bP$qm\u001b\\',
    '\u001b]10;?\u0007',
    '\u001b]11;?\u001b\\',
    '\u001b]4;1;?\u0007',
    '\u001b]52;c;?\u0007',
    '\u001b]52;c;aGVsbG8=\u001b\\',
  ])('takes out %j and nothing else', (query) => {
    const output = Buffer.from(`${shown}${query}${shown}`);
    expect(withoutQueries(output).toString()).toBe(`${shown}${shown}`);
  });

  it('leaves bytes that are no text alone', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 5));
    expect(withoutQueries(bytes)).toEqual(bytes);
  });
});
