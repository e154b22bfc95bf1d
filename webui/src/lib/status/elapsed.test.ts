import { expect, it } from 'vitest';
import { elapsedText, secondsSince } from './elapsed.js';

it.each([
  [0, '0 s'],
  [40.9, '40 s'],
  [60, '1 min'],
  [80, '1 min 20 s'],
  [3_599, '59 min 59 s'],
  [7_200, '2 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(elapsedText(seconds)).toBe(text);
});

it('counts from what the cluster says, and never below nothing', () => {
  const now = Date.parse('2026-11-23T08:00:40Z');
  expect(secondsSince('2026-11-23T08:00:00Z', now)).toBe(40);
  expect(secondsSince('2026-11-23T08:00:41Z', now)).toBe(0);
});
