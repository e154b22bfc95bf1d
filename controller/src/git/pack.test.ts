import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { encodeDelta } from './delta.js';
import { blob, encodeTree, type GitObject, type TreeEntry } from './object.js';
import { buildPack } from './pack.js';
import { removeLeftovers, writePack } from './pack-store.js';

/** Where the size field of a pack entry gets one byte longer, and around it. */
const SIZES = [0, 1, 15, 16, 17, 2047, 2048, 2049, 262_143, 262_144, 1_000_003];
const ofSize = (size: number): GitObject => blob('z'.repeat(size));
const many = (count: number): GitObject[] => Array.from({ length: count }, (_, at) => blob(`object ${at}`));

async function bareRepository(): Promise<string> {
  const folder = await temporaryFolder();
  stockGit(folder, 'init', '--quiet', '--bare', '.');
  return folder;
}

describe('a pack', () => {
  it.each([
    ['nothing', []],
    ['one object', [blob('one')]],
    ['all sizes', SIZES.map(ofSize)],
    ['every first byte of an id', many(2_000)],
    ['an object given twice', [blob('twice'), blob('once'), blob('twice')]],
    [
      'trees and blobs',
      [encodeTree([]), blob('x'), encodeTree([{ name: 'x', mode: '100644', id: blob('x').id }])],
    ],
  ])('of %s: git makes the very same index of it', async (_what, objects) => {
    const folder = await temporaryFolder();
    const { name, pack, index } = buildPack(objects);
    await writeFile(join(folder, 'a.pack'), pack);
    const said = execFileSync(
      'git',
      ['index-pack', '--strict', '-o', join(folder, 'a.idx'), join(folder, 'a.pack')],
      {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    expect(said.trim()).toBe(name);
    expect(index.equals(await readFile(join(folder, 'a.idx')))).toBe(true);
  });

  it('is the same for the same objects', () => {
    expect(buildPack(many(5)).pack.equals(buildPack(many(5)).pack)).toBe(true);
  });
});

describe('versions of a large tree in one pack', () => {
  const entries = (ids: readonly number[]): TreeEntry[] =>
    ids.map((id, at) => ({ name: `f${1000 + at}`, mode: '100644', id: blob(`${id}`).id }));

  it('are read by git, byte for byte, wherever they differ, and take little room', async () => {
    const folder = await bareRepository();
    const ids = Array.from({ length: 300 }, () => 0);
    const versions = [encodeTree(entries(ids))];
    const other: (readonly number[])[] = [0, 299, 150, 1, 150].map((at, n) => ids.with(at, n + 1));
    for (const next of [...other, ids.slice(10), ids.slice(10, 200), [7, ...ids, 8], [1], ids])
      versions.push({ ...encodeTree(entries(next)), replaces: versions.at(-1)?.id ?? '' });
    await writePack(folder, [blob('0'), ...versions]);
    for (const { id, content } of versions)
      expect(execFileSync('git', ['-C', folder, 'cat-file', 'tree', id]).equals(content)).toBe(true);
    expect(buildPack(versions).pack.length).toBeLessThan(2 * (versions[0]?.content.length ?? 0));
  });

  it('of random content too', () => {
    const bytes = fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.tuple(bytes, bytes, bytes, bytes), ([start, a, b, end]) => {
        const base = Buffer.concat([start, a, end]);
        const target = Buffer.concat([start, b, end]);
        expect(applied(encodeDelta(base, target), base).equals(target)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

/** Reads a delta as `gitformat-pack` says. */
function applied(delta: Buffer, base: Buffer): Buffer {
  let at = 0;
  const byte = (): number => delta.readUInt8(at++);
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const next = byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
  };
  expect(number()).toBe(base.length);
  const length = number();
  const parts: Buffer[] = [];
  while (at < delta.length) {
    const command = byte();
    const argument = (from: number, count: number): number =>
      Array.from({ length: count }, (_, n) => n).reduce(
        (sum, n) => sum + ((command >> (from + n)) & 1 ? byte() * 256 ** n : 0),
        0,
      );
    if (command < 0x80) parts.push(delta.subarray(at, (at += command)));
    else {
      const offset = argument(0, 4);
      parts.push(base.subarray(offset, offset + (argument(4, 3) || 0x10000)));
    }
  }
  const result = Buffer.concat(parts);
  expect(result.length).toBe(length);
  return result;
}

describe('writing a pack', () => {
  it('makes every object readable to stock git, byte for byte', async () => {
    const folder = await bareRepository();
    const objects = [...SIZES.map(ofSize), blob('Grüße\0\r\n')];
    await writePack(folder, objects);
    for (const { id, content } of objects) {
      const read = execFileSync('git', ['-C', folder, 'cat-file', 'blob', id], { maxBuffer: 10_000_000 });
      expect(read.equals(content)).toBe(true);
    }
    expect(stockGit(folder, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('twice the same is once', async () => {
    const folder = await bareRepository();
    await writePack(folder, many(3));
    await writePack(folder, many(3));
    expect(stockGit(folder, 'count-objects', '-v')).toContain('packs: 1');
  });

  it('leaves nothing behind where it fails', async () => {
    const folder = await temporaryFolder();
    await expect(writePack(folder, many(1))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('clears away what a killed writer left, and only that', async () => {
    const folder = await bareRepository();
    await writePack(folder, many(2));
    const packs = join(folder, 'objects', 'pack');
    await writeFile(join(packs, 'tmp_fullstackagent_0011.pack'), 'half');
    await writeFile(join(packs, 'tmp_pack_ofgit'), 'half');
    await removeLeftovers(folder);
    const left = execFileSync('ls', [packs], { encoding: 'utf8' });
    expect(left).not.toContain('fullstackagent');
    expect(left).toContain('tmp_pack_ofgit');
    expect(stockGit(folder, 'count-objects', '-v')).toContain('in-pack: 2');
  });
});
