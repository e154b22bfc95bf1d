import { execFileSync } from 'node:child_process';
import { linkSync, readdirSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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

function begun(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
