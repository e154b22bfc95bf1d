/** Milliseconds before the n-th try (from 0): half a second at first, doubling to at most 15 seconds. */
export const BACKOFF = { first: 500, most: 15_000 } as const;

/**
 * Half of the delay is fixed and half is drawn, so that a thousand terminals do not come back in the same instant.
 * @param random in [0, 1)
 */
export function backoffDelay(attempt: number, random: number): number {
  const full = Math.min(BACKOFF.most, BACKOFF.first * 2 ** Math.min(attempt, 16));
  return Math.round(full / 2 + (full / 2) * random);
}
