import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../contract/errors.js';
import { temporaryFolder } from '../shared/repository-for-tests.js';
import { realDisk, type Disk } from './disk.js';
import { makeDirectories, replaceFile, writeNewFile } from './durable.js';
import { alreadyExists, isMissing, storageFailure } from './failures.js';

describe('a new file', () => {
  it('has the bytes and the mode that were asked for', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeNewFile(realDisk, { path, bytes: Buffer.from([0, 255, 10]), mode: 0o444 });
    expect(await readFile(path)).toEqual(Buffer.from([0, 255, 10]));
    expect((await stat(path)).mode & 0o777).toBe(0o444);
  });

  it('does not replace one that is there', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, 'theirs');
    const refusal: unknown = await writeNewFile(realDisk, { path, bytes: 'ours' }).catch(
      (error: unknown) => error,
    );
    expect(alreadyExists(refusal)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('theirs');
  });

  it('that cannot be written whole is not there at all', async () => {
    const folder = await temporaryFolder();
    const full: Disk = {
      ...realDisk,
      create: async (path, mode) => ({
        ...(await realDisk.create(path, mode)),
        sync: () => Promise.reject(new Error('no space')),
      }),
    };
    const path = join(folder, 'file');
    await expect(writeNewFile(full, { path, bytes: 'x' })).rejects.toThrow('no space');
    expect(await readdir(folder)).toEqual([]);
  });

  it('in a folder that is not there cannot be written, and a folder that is not there cannot be synced', async () => {
    const missing = join(await temporaryFolder(), 'none');
    for (const attempt of [
      writeNewFile(realDisk, { path: join(missing, 'file'), bytes: '' }),
      realDisk.syncDirectory(missing),
    ])
      expect(isMissing(await attempt.catch((error: unknown) => error))).toBe(true);
  });
});

describe('a file that is replaced', () => {
  it('has the new content, whatever an earlier attempt left', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, 'old');
    await writeFile(`${path}.fullstackagent-new`, 'half');
    await replaceFile(realDisk, { path, bytes: 'new' });
    expect(await readFile(path, 'utf8')).toBe('new');
  });
});

describe('folders', () => {
  it('are made with those above them, and each is made sure in the one above', async () => {
    const root = await temporaryFolder();
    const synced: string[] = [];
    const disk: Disk = {
      ...realDisk,
      syncDirectory: async (path) => {
        synced.push(path);
        await realDisk.syncDirectory(path);
      },
    };
    await makeDirectories(disk, join(root, 'a', 'b'));
    expect((await stat(join(root, 'a', 'b'))).isDirectory()).toBe(true);
    expect(synced).toEqual(expect.arrayContaining([root, join(root, 'a')]));
  });
});

describe('a failure of the storage', () => {
  const failure = (code: string): Error => Object.assign(new Error('low level'), { code });

  it.each([
    ['ENOSPC', 'It failed. The disk is full.'],
    ['EROFS', 'It failed. The disk is read-only.'],
    ['EACCES', 'It failed. The process may not write there.'],
    ['EMFILE', 'It failed. The process has too many files open.'],
    ['EWHATEVER', 'It failed.'],
  ])('%s says what a person can do', (code, message) => {
    const cause = failure(code);
    expect(storageFailure('It failed.', cause)).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message,
      cause,
    });
  });

  it('that is classified already stays what it is', () => {
    const known = new AppError('NOT_READY', 'In use.');
    expect(storageFailure('It failed.', known)).toBe(known);
  });

  it('can be anything that was thrown', () => {
    for (const thrown of [undefined, null, 'text', { code: 'ENOSPC' }])
      expect(storageFailure('It failed.', thrown).message).toBe('It failed.');
  });
});
