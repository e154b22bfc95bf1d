import { describe, expect, it } from 'vitest';
import { pastedName } from './picked.js';
import { sizeText } from './sizes.js';

describe('a pasted file', () => {
  const at = new Date('2026-11-24T09:08:07.123Z');

  it.each([
    [{ name: 'image.png', type: 'image/png' }, 0, 'pasted-2026-11-24-090807.png'],
    [{ name: 'image.jpeg', type: 'image/jpeg' }, 1, 'pasted-2026-11-24-090807-1.jpeg'],
    [{ name: '', type: '' }, 0, 'pasted-2026-11-24-090807.bin'],
    [{ name: 'report.pdf', type: 'application/pdf' }, 0, 'report.pdf'],
  ])('%j is called by what is known of it', (file, index, name) => {
    expect(pastedName(file, at, index)).toBe(name);
  });
});

describe('a size', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1.0 KB'],
    [812_400, '812 KB'],
    [1_449_000_000, '1.4 GB'],
    [5e15, '5000 TB'],
  ])('of %d bytes reads %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});
