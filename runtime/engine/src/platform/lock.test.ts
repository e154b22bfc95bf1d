import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextMessage, spawnTypeScript } from '../testing/typescript-process.js';
import { takeLock } from './lock.js';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-lock-'));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

describe('the lock of a home folder', () => {
  it('is held by one, who says where it is', async () => {
    const lock = await takeLock(base, 0);
    await expect(takeLock(base, 0)).rejects.toThrow(
      'FullstackAgent is running on this folder already: it is starting',
    );
    lock.announce({ state: 'ready', url: 'http://localhost:3000' });
    await expect(takeLock(base, 0)).rejects.toThrow(/already: http:\/\/localhost:3000$/);
    await lock.release();
    const next = await takeLock(base, 0);
    await next.release();
    expect(await readdir(base)).toEqual([]);
  });

  it('of a killed process is free', async () => {
    const holder = spawnTypeScript(new URL('./hold-lock-for-test.ts', import.meta.url), [base]);
    await nextMessage(holder);
    await expect(takeLock(base, 0)).rejects.toThrow(/http:\/\/localhost:4711$/);
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    const lock = await takeLock(base, 0);
    await lock.release();
  });

  it('is waited for while its holder stops', async () => {
    const lock = await takeLock(base, 0);
    lock.announce({ state: 'stopping' });
    const next = takeLock(base, 10_000);
    await lock.release();
    await (await next).release();
  });

  it('of one that stops and stops is given up at some time', async () => {
    const lock = await takeLock(base, 0);
    lock.announce({ state: 'stopping' });
    await expect(takeLock(base, 200)).rejects.toThrow(/does not stop/);
    await lock.release();
  });

  it('goes to one of many who come at the same time, dead socket or not', async () => {
    const holder = spawnTypeScript(new URL('./hold-lock-for-test.ts', import.meta.url), [base]);
    await nextMessage(holder);
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await ended;
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(base, 25_000)));
    const locks = results.filter((result) => result.status === 'fulfilled');
    expect(locks).toHaveLength(1);
    await locks[0]?.value.release();
  });

  it('refuses a path that no socket can have', async () => {
    await expect(takeLock(join(base, 'x'.repeat(120)), 0)).rejects.toThrow(/name is too long/);
  });
});
