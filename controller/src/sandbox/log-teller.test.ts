import { describe, expect, it } from 'vitest';
import { LogTeller } from './log-teller.js';

function teller(): { log: LogTeller; told: (string | undefined)[] } {
  const told: (string | undefined)[] = [];
  return { log: new LogTeller((text) => told.push(text)), told };
}

describe('what a build prints', () => {
  it('is told together, in order, by itself', async () => {
    const { log, told } = teller();
    for (let index = 0; index < 1000; index++) log.add(`${index}\n`);
    expect(told).toEqual([]);
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]).toBe(Array.from({ length: 1000 }, (_, index) => `${index}\n`).join(''));
  });

  it('is told at once where that is asked for, and once', async () => {
    const { log, told } = teller();
    log.add('one\n');
    log.flush();
    log.flush();
    log.add('two\n');
    await expect.poll(() => told).toEqual(['one\n', 'two\n']);
  });

  it('is not kept where it is too much at a time: then what stands is told', () => {
    const { log, told } = teller();
    for (let index = 0; index < 100; index++) log.add('x'.repeat(10_000));
    log.flush();
    log.add('after\n');
    log.flush();
    expect(told).toEqual([undefined, 'after\n']);
  });
});
