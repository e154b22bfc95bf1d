import { describe, expect, it } from 'vitest';
import { parseSchedule } from './cron.js';

const at = (text: string): Date => new Date(`${text}Z`);
const iso = (date: Date | undefined): string | undefined => date?.toISOString().slice(0, 16);

describe('a schedule', () => {
  it.each([
    // 2026-11-24 is a Tuesday.
    ['0 3 * * *', '2026-11-24T03:00', '2026-11-24T03:00', '2026-11-25T03:00'],
    ['0 3 * * *', '2026-11-24T02:59', '2026-11-23T03:00', '2026-11-24T03:00'],
    ['*/15 * * * *', '2026-11-24T10:16', '2026-11-24T10:15', '2026-11-24T10:30'],
    ['30 9-17/4 * * *', '2026-11-24T12:00', '2026-11-24T09:30', '2026-11-24T13:30'],
    ['0 0 * * 1-5', '2026-11-28T12:00', '2026-11-27T00:00', '2026-11-30T00:00'],
    ['0 0 * * 0', '2026-11-24T12:00', '2026-11-22T00:00', '2026-11-29T00:00'],
    ['0 0 1 * *', '2026-12-31T23:59', '2026-12-01T00:00', '2027-01-01T00:00'],
    ['0 0 13 * 5', '2026-11-24T00:00', '2026-11-20T00:00', '2026-11-27T00:00'],
    ['0 0 29 2 *', '2026-11-24T00:00', '2024-02-29T00:00', '2028-02-29T00:00'],
    ['5,7 1 * * *', '2026-11-24T01:06', '2026-11-24T01:05', '2026-11-24T01:07'],
  ])('%s around %s', (text, now, ...expected) => {
    const schedule = parseSchedule(text);
    expect([iso(schedule?.before(at(now))), iso(schedule?.after(at(now)))]).toEqual(expected);
  });

  it.each(['', '0 3 * *', '60 * * * *', '* * * * MON', '5-1 * * * *', '*/0 * * * *', '0 3 * * * *'])(
    'is not made of %j',
    (text) => {
      expect(parseSchedule(text)).toBeUndefined();
    },
  );

  it('that never comes is never due', () => {
    const schedule = parseSchedule('0 0 31 2 *');
    expect(schedule?.after(at('2026-11-24T00:00'))).toBeUndefined();
    expect(schedule?.before(at('2026-11-24T00:00'))).toBeUndefined();
  });
});
