import { describe, expect, it } from 'vitest';
import { copiedText, COPY_LIMIT } from './clipboard-writes.js';

const encoded = (text: string): string => Buffer.from(text).toString('base64');

describe('OSC 52', () => {
  it.each([
    ['the clipboard', `c;${encoded('Grüße')}`, 'Grüße'],
    ['whatever there is', `;${encoded('a')}`, 'a'],
    ['several targets', `pc;${encoded('b')}`, 'b'],
  ])('copies to %s', (_what, payload, text) => {
    expect(copiedText(payload)).toBe(text);
  });

  it.each([
    ['a question', 'c;?'],
    ['nothing', 'c;'],
    ['no payload', 'c'],
    ['cut buffers only', `0;${encoded('a')}`],
    ['what is not base64', 'c;%%%'],
    ['what is not UTF-8', `c;${Buffer.from([0xff, 0xfe]).toString('base64')}`],
    ['too much', `c;${encoded('x'.repeat(COPY_LIMIT + 3))}`],
  ])('copies nothing for %s', (_what, payload) => {
    expect(copiedText(payload)).toBeUndefined();
  });
});
