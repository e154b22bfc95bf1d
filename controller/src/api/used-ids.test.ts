import { describe, expect, it } from 'vitest';
import { UsedIds } from './used-ids.js';

const WINDOW_MS = 1000;

function usedIds(most = 10): { ids: UsedIds; at: (milliseconds: number) => void } {
  let now = 5_000_000;
  const began = now;
  const ids = new UsedIds({ windowMs: WINDOW_MS, most, elapsed: () => now });
  return { ids, at: (milliseconds) => (now = began + milliseconds) };
}

describe('an id', () => {
  it('is good once', () => {
    const { ids } = usedIds();
    expect([ids.take('a'), ids.take('b'), ids.take('a')]).toEqual(['first', 'first', 'again']);
  });

  it.each([0, 1, 500, 999])('that was used %i ms into a window is remembered for a whole one', (used) => {
    const { ids, at } = usedIds();
    at(used);
    ids.take('a');
    at(used + WINDOW_MS - 1);
    expect(ids.take('a')).toBe('again');
    at(used + WINDOW_MS);
    expect(ids.take('a')).toBe('again');
  });

  it('is remembered over the end of a window that came late', () => {
    const { ids, at } = usedIds();
    at(1900);
    ids.take('a');
    at(2899);
    expect(ids.take('a')).toBe('again');
  });

  it('is forgotten after two windows, however long nothing came', () => {
    const { ids, at } = usedIds();
    ids.take('a');
    at(2 * WINDOW_MS);
    expect(ids.take('a')).toBe('first');
  });

  it('is refused when there is no room, and the ones that were used stay used', () => {
    const { ids, at } = usedIds(2);
    expect(['a', 'b', 'c', 'a'].map((id) => ids.take(id))).toEqual(['first', 'first', 'full', 'again']);
    at(WINDOW_MS);
    expect(['a', 'c', 'd', 'e'].map((id) => ids.take(id))).toEqual(['again', 'first', 'first', 'full']);
  });
});
