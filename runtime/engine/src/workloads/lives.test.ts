import { expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
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

it('one that lived twice as long as the longest pause waits as at first', async () => {
  const lives = new Lives({ firstPauseMs: 5, longestPauseMs: 20 });
  const lived = async (ms: number): Promise<number> => {
    lives.begin();
    await sleep(ms);
    return lives.end(END);
  };
  lives.begin();
  expect([lives.end(END), (lives.begin(), lives.end(END))]).toEqual([5, 10]);
  expect(await lived(60)).toBe(5);
});

it('one that never ended has no restarts, and nothing to wait for', () => {
  const lives = new Lives();
  lives.begin();
  expect([lives.told, lives.waitMs]).toEqual([{ restarts: 0 }, 0]);
  lives.end(END);
  expect(lives.told).toMatchObject({ restarts: 0, ended: { exitCode: 1, output: 'no' } });
  expect(lives.waitMs).toBeGreaterThan(0);
});
