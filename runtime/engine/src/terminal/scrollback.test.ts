import { describe, expect, it } from 'vitest';
import { Scrollback } from './scrollback.js';

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
