import { execFileSync } from 'node:child_process';
import { linkSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyTree } from './tree-copy.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-tree-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('does not wait for files that become pipes while it copies: whoever works there decides that', async () => {
  const [from, to, pipe] = [join(root, 'from'), join(root, 'to'), join(root, 'pipe')];
  await mkdir(from);
  const names = Array.from({ length: 400 }, (_, index) => `file-${index}`);
  for (const name of names) await writeFile(join(from, name), 'x');
  execFileSync('mkfifo', [pipe]);
  const copying = copyTree(from, to, { files: 1000, bytes: 1_000_000 });
  while (!begun(to)) await nextTurn();
  // At once, as far as the copy sees: it goes on in this very thread.
  for (const name of names) {
    linkSync(pipe, join(root, 'next'));
    renameSync(join(root, 'next'), join(from, name));
  }
  const { files } = await copying;
  expect(files).toBeGreaterThan(0);
  expect(files).toBeLessThan(400);
});

it.each([
  ['itself', ''],
  ['on the way', 'sub'],
])('does not follow a folder %s that becomes a link while it copies', async (_which, busy) => {
  const [from, to, outside] = [join(root, 'from'), join(root, 'to'), join(root, 'outside')];
  await mkdir(join(from, 'sub', 'deep'), { recursive: true });
  await mkdir(join(outside, 'deep', 'somebody-elses'), { recursive: true });
  await symlink('/somewhere', join(outside, 'deep', 'link'));
  await writeFile(join(outside, 'deep', 'file'), 'secret');
  // Files come before folders, and many of them take many turns.
  for (let index = 0; index < 400; index += 1) await writeFile(join(from, busy, `file-${index}`), 'x');
  const copying = copyTree(from, to, { files: 1000, bytes: 1_000_000 });
  while (!begun(join(to, busy))) await nextTurn();
  renameSync(join(from, 'sub'), join(root, 'aside'));
  symlinkSync(outside, join(from, 'sub'));
  const { files } = await copying;
  expect(files).toBe(400);
  const copied = await readdir(to, { recursive: true });
  expect(copied.filter((path) => /deep|somebody|link|secret/.test(path))).toEqual([]);
});

function begun(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
