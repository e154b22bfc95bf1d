import { expect, test } from 'vitest';
import { fileWords, imageWords, shortImage, sizeWords } from './words.js';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('an image is told by the start of its digest', () => {
  expect(shortImage(`registry.example.com/blog@${digest}`)).toBe('registry.example.com/blog@0123456789ab');
  expect(imageWords(`snapshot.local/ns-abcd1234/blog@${digest}`)).toBe('Snapshot 0123456789ab');
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [300 * 1024 ** 2, '300 MiB'],
  [5 * 1024 ** 4, '5120 GiB'],
])('%d bytes are %s', (bytes, words) => {
  expect(sizeWords(bytes)).toBe(words);
});

test('files are counted', () => {
  expect([fileWords(1), fileWords(12345)]).toEqual(['1 file', '12,345 files']);
});
