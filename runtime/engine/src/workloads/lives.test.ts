import { expect, it } from 'vitest';
import { Lives } from './lives.js';

const END = { exitCode: 1, output: 'no' };

it('a container waits twice as long each time it ends, up to a minute', () => {
  const lives = new Lives();
  const pauses = Array.from({ length: 8 }, () => {
    lives.begin();
    return lives.end(END);
  });
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(lives.restarts).toBe(7);
});

it('one that lived twice as long as the longest pause waits as at first', () => {
  let now = 0;
  const lives = new Lives({ now: () => now });
  const lived = (ms: number): number => {
    lives.begin();
    now += ms;
    return lives.end(END);
  };
  expect([0, 119_999, 120_000, 0].map(lived)).toEqual([1000, 2000, 1000, 2000]);
  now += 1500;
  expect(lives.waitMs).toBe(500);
});

it('one that never ended has no restarts, and nothing to wait for', () => {
  const lives = new Lives();
  lives.begin();
  expect([lives.told, lives.waitMs]).toEqual([{ restarts: 0 }, 0]);
  lives.end(END);
  expect(lives.told).toMatchObject({ restarts: 0, ended: { exitCode: 1, output: 'no' } });
  expect(lives.waitMs).toBeGreaterThan(0);
});
