import { expect, it } from 'vitest';
import { bytesOf, cpusOf } from './quantities.js';

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

it.each([
  ['2', 2],
  [2, 2],
  ['1.5', 1.5],
  ['500m', 0.5],
  ['0.1', 0.1],
  ['2 ', undefined],
  ['1Gi', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j is %j processors', (quantity, cpus) => {
  expect(cpusOf(quantity)).toBe(cpus);
});
