import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DiskUsage } from './disk-usage.js';

let folder: string;
/** A machine that does other work takes its time for "du". */
const PATIENT = { patienceMs: 45_000 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-usage-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it('tells what a folder takes, and what is left on its disk', async () => {
  await writeFile(join(folder, 'large'), Buffer.alloc(3 * 1024 * 1024, 'x'));
  const { usedBytes = 0, freeBytes, measuredAt } = await new DiskUsage(PATIENT).of(folder);
  expect(usedBytes).toBeGreaterThanOrEqual(3 * 1024 * 1024);
  expect(usedBytes).toBeLessThan(4 * 1024 * 1024);
  expect(freeBytes).toBeGreaterThan(0);
  expect(measuredAt).toMatch(/^20\d\d-/);
});

it('measures once a minute, however often it is asked, and anew after that', async () => {
  let at = 0;
  let asked = 0;
  const usage = new DiskUsage({
    now: () => new Date(at),
    measure: () => Promise.resolve((asked += 1)),
  });
  const both = await Promise.all([usage.of(folder), usage.of(folder)]);
  expect(both.map(({ usedBytes }) => usedBytes)).toEqual([1, 1]);
  at = 59_999;
  expect((await usage.of(folder)).usedBytes).toBe(1);
  at = 60_000;
  expect((await usage.of(folder)).usedBytes).toBe(2);
});

it('keeps no figure of a folder that is gone', async () => {
  const figures = [1, 2, 3];
  const usage = new DiskUsage({ measure: () => Promise.resolve(figures.shift() ?? 0) });
  const gone = join(folder, 'gone');
  await mkdir(gone);
  expect((await usage.of(gone)).usedBytes).toBe(1);
  await rm(gone, { recursive: true });
  expect((await usage.of(folder)).usedBytes).toBe(2);
  // What comes under its name again is measured anew, within the minute too.
  await mkdir(gone);
  expect((await usage.of(gone)).usedBytes).toBe(3);
  expect((await usage.of(folder)).usedBytes).toBe(2);
});

it('answers without a figure, or with the last one, where measuring takes long; one folder at a time', async () => {
  let finish: (bytes: number) => void = () => undefined;
  const begun: string[] = [];
  const usage = new DiskUsage({
    patienceMs: 1,
    freshForMs: 0,
    measure: (asked) => {
      begun.push(asked);
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  });
  expect((await usage.of(folder)).usedBytes).toBeUndefined();
  await usage.of(tmpdir());
  expect(begun).toEqual([folder]);
  finish(5);
  await expect.poll(() => begun).toEqual([folder, tmpdir()]);
  expect((await usage.of(folder)).usedBytes).toBe(5);
});

it('a measurement that fails is tried again, and a folder that is not there is an error', async () => {
  let fails = true;
  const measure = (): Promise<number> => (fails ? Promise.reject(new Error('du')) : Promise.resolve(7));
  const usage = new DiskUsage({ measure });
  expect((await usage.of(folder)).usedBytes).toBeUndefined();
  fails = false;
  expect((await usage.of(folder)).usedBytes).toBe(7);
  await expect(usage.of(join(folder, 'none'))).rejects.toThrow('ENOENT');
});

it('has a figure however much there is that cannot be looked at', async () => {
  // A folder for each complaint, and a user who is not root, would take minutes.
  const du = '#!/bin/sh\nhead -c 3000000 /dev/zero >&2\necho "12 $2"\nexit 1\n';
  await writeFile(join(folder, 'du'), du, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  expect((await new DiskUsage(PATIENT).of(folder)).usedBytes).toBe(12 * 1024);
});
