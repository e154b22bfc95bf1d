import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRef } from './ref-watcher.js';

const REF = 'refs/heads/rendered';
const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);
let repository = '';

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'fsa-refs-'));
  await mkdir(join(repository, 'refs', 'heads'), { recursive: true });
  await writeFile(
    join(repository, 'packed-refs'),
    `# pack-refs with: peeled\n${NEW} ${REF}-2\n${OLD} ${REF}\n`,
  );
});

afterEach(() => rm(repository, { recursive: true, force: true }));

describe('where a branch is', () => {
  it('is in the loose file, and where there is none in packed-refs', async () => {
    expect(await readRef(repository, REF)).toBe(OLD);
    await writeFile(join(repository, REF), `${NEW}\n`);
    expect(await readRef(repository, REF)).toBe(NEW);
  });

  it('is nowhere when neither has it', async () => {
    expect(await readRef(repository, 'refs/heads/other')).toBeUndefined();
    expect(await readRef(join(repository, 'nowhere'), REF)).toBeUndefined();
  });

  it.each(['', 'half a comm', `ref: refs/heads/main\n`])(
    'is not what packed-refs says while the loose file holds %j',
    async (text) => {
      await writeFile(join(repository, REF), text);
      await expect(readRef(repository, REF)).rejects.toThrow(`${REF} does not hold a commit`);
    },
  );

  it('is not what packed-refs says while the loose file cannot be read', async () => {
    await mkdir(join(repository, REF));
    await expect(readRef(repository, REF)).rejects.toThrow(/rendered cannot be read/);
  });

  it('is not nowhere while packed-refs cannot be read', async () => {
    await rm(join(repository, 'packed-refs'));
    await mkdir(join(repository, 'packed-refs'));
    await expect(readRef(repository, REF)).rejects.toThrow(/packed-refs cannot be read/);
  });
});
