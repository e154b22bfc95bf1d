import { describe, expect, it } from 'vitest';
import { AttemptLimit } from './attempt-limit.js';

const MINUTE = 60_000;

function limitAt(clock: { now: number }, keys = 100): AttemptLimit {
  return new AttemptLimit({ attempts: 3, windowMs: 10 * MINUTE, keys, now: () => clock.now });
}

const limited = expect.objectContaining({ code: 'RATE_LIMITED' }) as Error;

describe('AttemptLimit', () => {
  it('lets the first attempts of a key pass, and no more until the window ends', () => {
    const clock = { now: 0 };
    const limit = limitAt(clock);
    for (let attempt = 0; attempt < 3; attempt++) limit.take('ada');
    expect(() => limit.take('ada')).toThrow('Too many attempts. Try again in 10 minutes.');
    clock.now = 9.5 * MINUTE;
    expect(() => limit.take('ada')).toThrow('Try again in a minute.');
    clock.now = 10 * MINUTE;
    expect(() => limit.take('ada')).not.toThrow();
  });

  it('counts every key for itself', () => {
    const limit = limitAt({ now: 0 });
    for (let attempt = 0; attempt < 3; attempt++) limit.take('ada');
    expect(() => limit.take('grace')).not.toThrow();
    expect(() => limit.take('ada')).toThrow(limited);
  });

  it('forgets what it counted after a right attempt', () => {
    const limit = limitAt({ now: 0 });
    for (let attempt = 0; attempt < 3; attempt++) limit.take('ada');
    limit.forgive('ada');
    expect(() => limit.take('ada')).not.toThrow();
  });

  it('gives one attempt back, and no more than there were', () => {
    const limit = limitAt({ now: 0 });
    limit.giveBack('ada');
    for (let attempt = 0; attempt < 3; attempt++) limit.take('ada');
    limit.giveBack('ada');
    expect(() => limit.take('ada')).not.toThrow();
    expect(() => limit.take('ada')).toThrow(limited);
  });

  it('remembers a bounded number of keys, the newest', () => {
    const limit = limitAt({ now: 0 }, 10);
    for (let attempt = 0; attempt < 3; attempt++) limit.take('last');
    for (let key = 0; key < 9; key++) limit.take(`other-${key}`);
    expect(() => limit.take('last')).toThrow(limited);
    for (let key = 0; key < 1000; key++) limit.take(`flood-${key}`);
    expect(limit.size).toBe(10);
  });
});
