import { describe, expect, it } from 'vitest';
import { Schedule } from './schedule.js';

const MINUTE = 60_000;
const schedule = (random = 0.5): Schedule =>
  new Schedule({ gatherMs: 2_000, lookEveryMs: MINUTE, pushesPerMinute: 6, random: () => random });

describe('the schedule of a remote', () => {
  it('looks at once, then every minute, and at once where there is news', () => {
    const times = schedule();
    expect(times.isLookDue(0)).toBe(true);
    times.looked(0);
    expect(times.lookDue()).toBe(MINUTE);
    times.news(10_000);
    expect(times.isLookDue(10_000)).toBe(true);
  });

  it('lets commits wait for each other, and not for ever', () => {
    const times = schedule();
    expect(times.pushDue()).toBe(Infinity);
    times.commit(1_000);
    times.commit(2_500);
    expect(times.pushDue()).toBe(3_000);
    times.pushed(3_000);
    expect(times.pushDue()).toBe(Infinity);
  });

  it('pushes six times in any minute, however many commits there are', () => {
    const times = schedule();
    const pushes: number[] = [];
    for (let now = 0; now < 5 * MINUTE; now += 100) {
      times.commit(now);
      if (!times.isPushDue(now)) continue;
      times.pushed(now);
      pushes.push(now);
    }
    for (const at of pushes)
      expect(pushes.filter((other) => other >= at && other < at + MINUTE).length).toBeLessThanOrEqual(6);
    expect(pushes.length).toBeGreaterThanOrEqual(25);
  });

  it('waits longer after each failure, up to five minutes, and lets a person end that', () => {
    const times = schedule();
    times.commit(0);
    const waits = Array.from({ length: 12 }, () => {
      times.failed(0, undefined);
      return times.nextDue();
    });
    expect(waits.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(waits.at(-1)).toBe(5 * MINUTE);
    times.news(10);
    expect(times.nextDue()).toBe(5 * MINUTE);
    times.insist(10);
    expect(times.isLookDue(10)).toBe(true);
    times.worked();
    times.failed(0, undefined);
    expect(times.lookDue()).toBe(1_000);
  });

  it('leaves the remote alone for as long as it says', () => {
    const times = schedule();
    times.failed(0, 20 * MINUTE);
    expect(times.nextDue()).toBe(20 * MINUTE);
  });

  it.each([
    [0, 0.8],
    [1, 1.2],
  ])('spreads what would happen at the same time (%d)', (random, factor) => {
    const times = schedule(random);
    times.looked(0);
    expect(times.lookDue()).toBeCloseTo(factor * MINUTE);
  });
});
