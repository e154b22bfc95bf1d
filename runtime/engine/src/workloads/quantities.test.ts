import { expect, it } from 'vitest';
import { bytesOf } from './quantities.js';

it.each([
  ['4Gi', 4 * 2 ** 30],
  ['512Mi', 512 * 2 ** 20],
  ['1.5G', 1.5e9],
  ['100k', 100_000],
  ['1073741824', 2 ** 30],
  ['4gi', undefined],
  ['', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('%j is %j bytes', (quantity, bytes) => {
  expect(bytesOf(quantity)).toBe(bytes);
});
