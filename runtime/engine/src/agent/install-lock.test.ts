import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextMessage, spawnTypeScript } from '../testing/typescript-process.js';
import { InstallLock } from './install-lock.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-install-lock-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const done = (): Promise<void> => Promise.resolve();
/** So many at the same time. */
const takenBy = async (count: number, folder: string): Promise<readonly InstallLock[]> =>
  (await Promise.all(Array.from({ length: count }, () => InstallLock.take(folder)))).flatMap(
    (lock) => lock ?? [],
  );

/** Their locks are those of a process that was killed. */
async function leaveLocks(folders: readonly string[]): Promise<void> {
  const holder = spawnTypeScript(new URL('./hold-install-locks-for-test.ts', import.meta.url), folders);
  await nextMessage(holder);
  expect(await InstallLock.take(folders[0] ?? '')).toBeUndefined();
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
}

/** The content of a lock that is still to be put in its place. */
function unplaced(): string {
  const folder = readdirSync(root).find((name) => name.startsWith('.lock.'));
  const [file] = folder === undefined ? [] : readdirSync(join(root, folder));
  return folder === undefined || file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8');
}

describe('the lock of an installation', () => {
  it('is had by one, and leaves nothing behind', async () => {
    const [lock, ...others] = await takenBy(8, root);
    expect(others).toEqual([]);
    expect(await InstallLock.take(root)).toBeUndefined();
    await lock?.release(done);
    expect(await readdir(root)).toEqual([]);
    expect(await takenBy(8, root)).toHaveLength(1);
  });

  it('of a process that was killed goes to one of many who find it at the same time', async () => {
    // Each folder is one more time at which they can meet.
    const folders = Array.from({ length: 12 }, (_, index) => join(root, String(index)));
    for (const folder of folders) await mkdir(folder);
    await leaveLocks(folders);
    for (const folder of folders) {
      const locks = await takenBy(8, folder);
      expect(locks).toHaveLength(1);
      await locks[0]?.release(done);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('is not looked for without end where the folder of all goes before it is in its place', async () => {
    const taking = InstallLock.take(root);
    const refused = expect(taking).rejects.toThrow('ENOENT: no such file or directory, rename');
    // Looked at in every turn of the loop, and removed within one: it has been written, and not been moved.
    while (unplaced() === '') await nextTurn();
    rmSync(root, { recursive: true });
    await refused;
  });

  it('stays where its last step fails, until the step is over', async () => {
    const lock = await InstallLock.take(root);
    const failing = lock?.release(async () => {
      expect(await InstallLock.take(root)).toBeUndefined();
      throw new Error('the disk');
    });
    await expect(failing).rejects.toThrow('the disk');
    expect(await takenBy(1, root)).toHaveLength(1);
  });
});
