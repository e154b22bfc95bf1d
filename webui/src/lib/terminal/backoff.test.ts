import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKOFF, backoffDelay } from './backoff.js';

describe('backoffDelay', () => {
  it('doubles and ends at the most', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((attempt) => backoffDelay(attempt, 1))).toEqual([
      500, 1000, 2000, 4000, 8000, 15_000, 15_000,
    ]);
  });

  it('stays between half of the delay and the delay, whatever is drawn', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = backoffDelay(attempt, random);
        expect(delay).toBeGreaterThanOrEqual(BACKOFF.first / 2);
        expect(delay).toBeLessThanOrEqual(BACKOFF.most);
      }),
    );
  });
});
