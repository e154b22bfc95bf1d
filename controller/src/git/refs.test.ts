import { existsSync, utimesSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { realDisk, type Disk } from './disk.js';
import { compareAndSwap, readRef, removeStaleLocks } from './refs.js';

const REF = 'refs/heads/main';

/** A bare repository with commits to point to. */
async function repositoryWithCommits(): Promise<{
  gitDir: string;
  commits: readonly [string, string, string];
}> {
  const gitDir = await temporaryFolder();
  stockGit(gitDir, 'init', '--quiet', '--bare', '-b', 'main', '.');
  const tree = stockGit(gitDir, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
  const commit = (message: string): string =>
    stockGit(gitDir, ...identity, 'commit-tree', tree, '-m', message);
  return { gitDir, commits: [commit('one'), commit('two'), commit('three')] };
}

describe('a ref', () => {
  it('is created, moved, and read by stock git', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const [one, two] = commits;
    expect(await readRef(gitDir, REF)).toBeUndefined();
    expect(await compareAndSwap(gitDir, { ref: REF, expected: undefined, next: one })).toEqual({
      swapped: true,
    });
    expect(stockGit(gitDir, 'rev-parse', REF)).toBe(one);
    expect(await compareAndSwap(gitDir, { ref: REF, expected: one, next: two })).toEqual({ swapped: true });
    expect(stockGit(gitDir, 'rev-parse', REF)).toBe(two);
    expect(await readdir(join(gitDir, 'refs', 'heads'))).toEqual(['main']);
  });

  it('that is not what was expected stays, and says what it is', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const [one, two, three] = commits;
    stockGit(gitDir, 'update-ref', REF, one);
    for (const expected of [undefined, two])
      expect(await compareAndSwap(gitDir, { ref: REF, expected, next: three })).toEqual({
        swapped: false,
        actual: one,
      });
    expect(await compareAndSwap(gitDir, { ref: 'refs/heads/none', expected: one, next: two })).toEqual({
      swapped: false,
      actual: undefined,
    });
    expect(stockGit(gitDir, 'rev-parse', REF)).toBe(one);
    expect(await readdir(join(gitDir, 'refs', 'heads'))).toEqual(['main']);
  });

  it('is found where git packed it, and moved from there', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const [one, two] = commits;
    stockGit(gitDir, 'update-ref', REF, one);
    stockGit(gitDir, 'update-ref', 'refs/heads/other-main', two);
    stockGit(gitDir, 'pack-refs', '--all');
    expect(existsSync(join(gitDir, REF))).toBe(false);
    expect(await readRef(gitDir, REF)).toBe(one);
    expect(await compareAndSwap(gitDir, { ref: REF, expected: one, next: two })).toEqual({ swapped: true });
    expect(stockGit(gitDir, 'rev-parse', REF)).toBe(two);
  });

  it('moves once where ten want to move it from the same commit', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const [one, two, three] = commits;
    stockGit(gitDir, 'update-ref', REF, one);
    const swaps = Array.from({ length: 10 }, (_, at) =>
      compareAndSwap(gitDir, { ref: REF, expected: one, next: at % 2 === 0 ? two : three }),
    );
    const results = await Promise.all(swaps);
    expect(results.filter(({ swapped }) => swapped)).toHaveLength(1);
  });

  it('that another program is about to move is waited for', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const [one, two] = commits;
    const lock = join(gitDir, `${REF}.lock`);
    await writeFile(lock, '');
    const swap = compareAndSwap(gitDir, { ref: REF, expected: undefined, next: one });
    await writeFile(join(gitDir, REF), `${two}\n`);
    await rm(lock);
    expect(await swap).toEqual({ swapped: false, actual: two });
  });

  it('that holds something else is damage, and said to be', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    await writeFile(join(gitDir, REF), 'ref: refs/heads/other\n');
    const swap = compareAndSwap(gitDir, { ref: REF, expected: undefined, next: commits[0] });
    await expect(swap).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(existsSync(join(gitDir, `${REF}.lock`))).toBe(false);
  });

  it('in a folder that is not there yet gets one', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const ref = 'refs/heads/deep/er/main';
    await compareAndSwap(gitDir, { ref, expected: undefined, next: commits[0] });
    expect(stockGit(gitDir, 'rev-parse', ref)).toBe(commits[0]);
  });
});

describe('a disk that does not confirm the new name of a ref', () => {
  const failing = (before: () => Promise<void> = () => Promise.resolve()): Disk => ({
    ...realDisk,
    syncDirectory: async () => {
      await before();
      throw Object.assign(new Error('low level'), { code: 'EIO' });
    },
  });

  it('is told as what it is: the change is written, and not sure', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const swap = compareAndSwap(gitDir, { ref: REF, expected: undefined, next: commits[0] }, failing());
    await expect(swap).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('Look whether it is there') as string,
    });
    expect(stockGit(gitDir, 'rev-parse', REF)).toBe(commits[0]);
  });

  it('is a plain failure where the ref names something else by now', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    const disk = failing(() => writeFile(join(gitDir, REF), `${commits[1]}\n`));
    const swap = compareAndSwap(gitDir, { ref: REF, expected: undefined, next: commits[0] }, disk);
    await expect(swap).rejects.toThrow('low level');
  });
});

describe('locks that were left', () => {
  it('go away, wherever they are, and refs stay', async () => {
    const { gitDir, commits } = await repositoryWithCommits();
    stockGit(gitDir, 'update-ref', REF, commits[0]);
    await mkdir(join(gitDir, 'refs/heads/deep'));
    const locks = [`${REF}.lock`, 'refs/heads/deep/x.lock'].map((name) => join(gitDir, name));
    for (const lock of locks) await writeFile(lock, commits[1]);
    await removeStaleLocks(gitDir, 10);
    expect(locks.map((lock) => existsSync(lock))).toEqual([false, false]);
    expect(await readFile(join(gitDir, REF), 'utf8')).toBe(`${commits[0]}\n`);
  });

  it('stay while somebody works with them', async () => {
    const { gitDir } = await repositoryWithCommits();
    const lock = join(gitDir, `${REF}.lock`);
    await writeFile(lock, '');
    let touched = 0;
    // At every turn until the end, and at once: however late this process gets its turn, that of the removal comes later.
    const working = setInterval(() => {
      utimesSync(lock, (touched += 1), touched);
    }, 5);
    await removeStaleLocks(gitDir, 100);
    clearInterval(working);
    expect(existsSync(lock)).toBe(true);
  });

  it('that went away by themselves are nobody’s fault', async () => {
    const { gitDir } = await repositoryWithCommits();
    const lock = join(gitDir, `${REF}.lock`);
    await writeFile(lock, '');
    const removal = removeStaleLocks(gitDir, 50);
    await rm(lock);
    await removal;
    expect(existsSync(lock)).toBe(false);
  });
});
