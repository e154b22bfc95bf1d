import { expect, it } from 'vitest';
import { Turns } from './turns.js';

interface Job {
  readonly end: (error?: Error) => void;
  readonly done: Promise<unknown>;
}

/** Jobs that have begun, in that order, and how to end each. */
function jobs(turns: Turns, count: number): { begun: number[]; all: readonly Job[] } {
  const begun: number[] = [];
  const all = Array.from({ length: count }, (_, n): Job => {
    let end: Job['end'] = () => undefined;
    const ended = new Promise<void>((resolve, reject) => {
      end = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    const done = turns.take(() => {
      begun.push(n);
      return ended;
    });
    return { end, done };
  });
  return { begun, all };
}

it('lets so many begin, and the next where one has ended, well or not', async () => {
  const { begun, all } = jobs(new Turns(2), 5);
  expect(begun).toEqual([0, 1]);
  all[1]?.end(new Error('it broke'));
  await expect(all[1]?.done).rejects.toThrow('it broke');
  expect(begun).toEqual([0, 1, 2]);
  for (const { end } of all) end();
  await Promise.all(all.filter((_, n) => n !== 1).map(({ done }) => done));
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

it('gives back every turn', async () => {
  const turns = new Turns(2);
  for (let round = 0; round < 3; round += 1) {
    const { begun, all } = jobs(turns, 3);
    expect(begun).toEqual([0, 1]);
    for (const { end } of all) end();
    await Promise.all(all.map(({ done }) => done));
  }
});
