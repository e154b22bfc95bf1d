import { describe, expect, it } from 'vitest';
import { onTestFinished } from 'vitest';
import { Loop } from './loop.js';
import type { Outcome } from './outcome.js';

interface Script {
  readonly loop: Loop;
  readonly slept: number[];
  readonly errors: string[];
  readonly steps: () => number;
}

/** A loop whose steps end as the script says, and then all with `done`; sleeping takes no time. */
function run(...script: readonly Outcome[]): Script {
  const slept: number[] = [];
  const errors: string[] = [];
  let steps = 0;
  const loop = new Loop({
    step: () => Promise.resolve(script[steps++] ?? { kind: 'done' }),
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
    log: { info: () => undefined, warn: () => undefined, error: (_context, message) => errors.push(message) },
  });
  onTestFinished(() => loop.stop());
  return { loop, slept, errors, steps: () => steps };
}

const failed: Outcome = { kind: 'failed', error: new Error('disk') };

describe('the loop', () => {
  it('rests when there is nothing to do, and steps again when it is woken', async () => {
    const { loop, steps } = run();
    await loop.idle();
    expect(steps()).toBe(1);
    loop.wake();
    await loop.idle();
    expect(steps()).toBe(2);
  });

  it('goes on at once while there is more', async () => {
    const { loop, steps, slept } = run({ kind: 'requeue' }, { kind: 'requeue' });
    await loop.idle();
    expect([steps(), slept]).toEqual([3, []]);
  });

  it('waits as long as it is told', async () => {
    const { loop, slept } = run({ kind: 'waiting', forMs: 1_234 });
    await loop.idle();
    expect(slept).toEqual([1_234]);
  });

  it('tries again with growing patience, and anew after a success', async () => {
    const many = Array.from({ length: 10 }, () => failed);
    const { loop, slept, errors } = run(...many, { kind: 'requeue' }, failed);
    await loop.idle();
    expect(slept).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 200]);
    expect(errors).toHaveLength(11);
  });

  it('says once that it is stuck, however often it looks', async () => {
    const stalled: Outcome = { kind: 'stalled', message: 'Put it back.' };
    const { loop, errors } = run(stalled, stalled, { kind: 'done' }, stalled);
    for (let look = 0; look < 3; look++) {
      await loop.idle();
      loop.wake();
    }
    await loop.idle();
    expect(errors).toEqual(['Put it back.', 'Put it back.']);
  });

  it('steps once more when it is woken in the middle of a step', async () => {
    let steps = 0;
    let finish: (outcome: Outcome) => void = () => undefined;
    const loop = new Loop({
      step: () =>
        new Promise((resolve) => {
          steps++;
          finish = resolve;
        }),
      sleep: () => Promise.resolve(),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    loop.wake();
    loop.wake();
    finish({ kind: 'done' });
    await expect.poll(() => steps).toBe(2);
    finish({ kind: 'done' });
    await loop.idle();
    expect(steps).toBe(2);
    await loop.stop();
  });

  it('stops in its rest, in its sleep and in its work, and steps no more', async () => {
    const resting = run();
    await resting.loop.idle();
    await resting.loop.stop();
    resting.loop.wake();
    expect(resting.steps()).toBe(1);
    const sleeping = new Loop({
      step: () => Promise.resolve(failed),
      sleep: (_ms, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    await sleeping.stop();
    await sleeping.idle();
  });
});
