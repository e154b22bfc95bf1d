import { describe, expect, it } from 'vitest';
import { bytesText, cpuText, duration, relativeTime } from './format.js';

const now = new Date('2026-11-23T12:00:00Z');
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

describe('relativeTime', () => {
  it.each([
    [0, 'just now'],
    [59, 'just now'],
    [-40, 'in a moment'],
    [60, '1 minute ago'],
    [7_200, '2 hours ago'],
    [86_400, 'yesterday'],
    [-86_400 * 13, 'in 2 weeks'],
    [86_400 * 40, 'last month'],
  ])('%d seconds ago: %s', (seconds, expected) => {
    expect(relativeTime(ago(seconds), now)).toBe(expected);
  });
});

describe('quantities and durations', () => {
  it('are written as people read them', () => {
    expect([cpuText('500m'), cpuText('2'), bytesText('512Mi'), bytesText('10Gi')]).toEqual([
      '0.5 CPU',
      '2 CPU',
      '512 MiB',
      '10 GiB',
    ]);
    expect([duration(0.4), duration(59), duration(90), duration(7_200)]).toEqual([
      '0 s',
      '59 s',
      '2 min',
      '2 h',
    ]);
  });
});
