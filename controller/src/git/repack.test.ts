import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { realDisk, type Disk } from './disk.js';
import { blob } from './object.js';
import { packCount, writePack } from './pack-store.js';
import { repack, rolledUp } from './repack.js';

async function bareRepository(): Promise<string> {
  const folder = await temporaryFolder();
  stockGit(folder, 'init', '--quiet', '--bare', '.');
  return folder;
}

const location = (gitDir: string): { gitDir: string; searchPath: string } => ({
  gitDir,
  searchPath: repositoryOptions.searchPath,
});
const isThere = (gitDir: string, id: string): boolean => stockGit(gitDir, 'cat-file', '-t', id) === 'blob';

describe('which packs are put together', () => {
  it.each([
    [[], 0],
    [[5], 0],
    [[1, 2, 4, 8], 0],
    [[1, 1], 2],
    [[1, 1, 1, 100], 3],
    [[1, 1, 3, 100], 3],
    [[10, 10, 30, 99, 1_000], 4],
  ])('of sizes %j: the %i smallest', (sizes, count) => {
    expect(rolledUp(sizes)).toBe(count);
  });
});

describe('putting packs together', () => {
  it('keeps every object, and a pack that is held or that came meanwhile', async () => {
    const gitDir = await bareRepository();
    const objects = Array.from({ length: 6 }, (_, at) => blob(`object ${at}`));
    for (const object of objects) await writePack(gitDir, [object]);
    const [held = ''] = (await readdir(join(gitDir, 'objects', 'pack'))).filter((name) =>
      name.endsWith('.pack'),
    );
    await writeFile(join(gitDir, 'objects', 'pack', held.replace('.pack', '.keep')), '');
    const late = blob('came while git was reading');
    let written = false;
    const disk: Disk = {
      ...realDisk,
      syncDirectory: async (path) => {
        if (!written) await writePack(gitDir, [late]);
        written = true;
        await realDisk.syncDirectory(path);
      },
    };
    await repack(location(gitDir), disk);
    expect(await packCount(gitDir)).toBe(3);
    for (const { id } of [...objects, late]) expect(isThere(gitDir, id)).toBe(true);
  });

  it('takes away what a git left half written that is long gone, and nothing that may still be written', async () => {
    const gitDir = await bareRepository();
    for (const text of ['one', 'two']) await writePack(gitDir, [blob(text)]);
    const directory = join(gitDir, 'objects', 'pack');
    const yesterday = new Date(Date.now() - 25 * 60 * 60_000);
    for (const name of ['tmp_pack_old111', 'tmp_idx_old222', 'tmp_pack_new333'])
      await writeFile(join(directory, name), 'half');
    for (const name of ['tmp_pack_old111', 'tmp_idx_old222'])
      await utimes(join(directory, name), yesterday, yesterday);
    await repack(location(gitDir));
    const left = (await readdir(directory)).filter((name) => name.startsWith('tmp_'));
    expect(left).toEqual(['tmp_pack_new333']);
  });

  it('leaves nothing beside a pack that stock git had made', async () => {
    const gitDir = await bareRepository();
    for (const text of ['a', 'b']) await writePack(gitDir, [blob(text)]);
    const [first = ''] = (await readdir(join(gitDir, 'objects', 'pack'))).filter((name) =>
      name.endsWith('.pack'),
    );
    await writeFile(join(gitDir, 'objects', 'pack', first.replace('.pack', '.bitmap')), '');
    await repack(location(gitDir));
    const left = await readdir(join(gitDir, 'objects', 'pack'));
    expect(left.filter((name) => name.endsWith('.bitmap'))).toEqual([]);
    expect(await packCount(gitDir)).toBe(1);
  });

  it('of one pack is nothing to do', async () => {
    const gitDir = await bareRepository();
    await writePack(gitDir, [blob('a')]);
    const before = await readdir(join(gitDir, 'objects', 'pack'));
    await repack(location(gitDir));
    expect(await readdir(join(gitDir, 'objects', 'pack'))).toEqual(before);
  });
});
