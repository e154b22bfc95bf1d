import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { blob, encodeTree } from './object.js';
import { writePack } from './pack-store.js';
import { TreeIndex, type BlobEdit } from './tree-index.js';

const put = (path: string, content = path): BlobEdit => ({ path, blob: blob(content).id });
const remove = (path: string): BlobEdit => ({ path, blob: null });
const after = (...edits: readonly BlobEdit[]): TreeIndex => TreeIndex.empty().edit(edits).tree;
const paths = (tree: TreeIndex): string[] => [...tree.files()].map(({ path }) => path);

/** The tree that stock git writes for the same files. */
function writtenByGit(folder: string, files: ReadonlyMap<string, string>): string {
  const git = (args: readonly string[], input: string): string =>
    execFileSync('git', ['-C', folder, ...args], { input, encoding: 'utf8' }).trim();
  git(['read-tree', '--empty'], '');
  const info = [...files].map(([path, id]) => `100644 ${id} 0\t${path}\0`).join('');
  git(['update-index', '-z', '--index-info'], info);
  return git(['write-tree', '--missing-ok'], '');
}

async function bareRepository(): Promise<string> {
  const folder = await temporaryFolder();
  stockGit(folder, 'init', '--quiet', '--bare', '.');
  return folder;
}

describe('the tree of a branch', () => {
  it('is empty at first', () => {
    expect(TreeIndex.empty().id).toBe(encodeTree([]).id);
    expect(paths(TreeIndex.empty())).toEqual([]);
  });

  it('orders as git does: a folder as if its name ended in a slash', async () => {
    const folder = await bareRepository();
    const files = ['a', 'a-b/x', 'a.b', 'a0', 'ab/x', 'z/é', 'z/zz', 'z-', 'a_b/c/d', 'Z'];
    const tree = after(...files.map((path) => put(path)));
    expect(tree.id).toBe(writtenByGit(folder, new Map(files.map((path) => [path, blob(path).id]))));
  });

  it('gives back what was put in, and nothing for a folder or a missing path', () => {
    const tree = after(put('a/b/c'), put('a/d'), put('e'));
    expect(tree.blobAt('a/b/c')).toBe(blob('a/b/c').id);
    for (const path of ['a', 'a/b', 'a/b/c/d', 'x', '']) expect(tree.blobAt(path)).toBeUndefined();
    expect(tree.holds('e', 'e')).toBe(true);
    expect(tree.holds('e', 'other')).toBe(false);
    expect(tree.holds('x', '')).toBe(false);
  });

  it('lists what is below a folder', () => {
    const tree = after(put('a/b/c'), put('a/b-c'), put('ab/c'), put('a/d'));
    expect([...tree.files('a/b')].map(({ path }) => path)).toEqual(['a/b/c']);
    expect([...tree.files('a')].map(({ path }) => path)).toEqual(['a/b-c', 'a/b/c', 'a/d']);
    expect([...tree.files('a/d')]).toEqual([]);
    expect([...tree.files('none')]).toEqual([]);
  });

  it('loses a folder with its last file', () => {
    const tree = after(put('a/b/c'), put('d')).edit([remove('a/b/c')]).tree;
    expect(tree.id).toBe(after(put('d')).id);
    expect(tree.edit([remove('d')]).tree.id).toBe(encodeTree([]).id);
  });

  it('writes only the trees on the path', () => {
    const big = after(...Array.from({ length: 500 }, (_, at) => put(`t/${at % 20}/n${at}/f`)));
    const { objects, tree } = big.edit([put('t/3/n3/f', 'new')]);
    expect(objects.map(({ type }) => type)).toEqual(['tree', 'tree', 'tree', 'tree']);
    expect(objects.at(-1)?.id).toBe(tree.id);
  });

  it('is unchanged by what changes nothing', () => {
    const tree = after(put('a/b'), put('c'));
    for (const edits of [[], [put('a/b')], [remove('x')], [remove('x/y/z')], [remove('c/below')]]) {
      const edited = tree.edit(edits);
      expect(edited.objects).toEqual([]);
      expect(edited.tree.id).toBe(tree.id);
    }
  });

  it.each([
    ['a//b'],
    ['/a'],
    ['a/'],
    ['../a'],
    ['a/./b'],
    ['a/../b'],
    ['.git/config'],
    ['a/.GIT/hooks/pre-push'],
    ['a\0b'],
    ['a\nb'],
    ['a\\b'],
    ['a\ud800'],
    [''],
  ])('refuses a path that git refuses: %j', (path) => {
    expect(() => after(put(path))).toThrow(/cannot be a path/);
  });

  it('refuses a file where a folder is, and the other way round, and changes nothing then', () => {
    const tree = after(put('a/b'), put('c'));
    expect(() => tree.edit([put('a')])).toThrow(/file and a folder/);
    expect(() => tree.edit([remove('a')])).toThrow(/file and a folder/);
    expect(() => tree.edit([put('c/d')])).toThrow(/nothing can be below/);
    expect(() => tree.edit([put('x'), put('x/y')])).toThrow(/file and a folder/);
    expect(paths(tree)).toEqual(['a/b', 'c']);
  });
});

describe('the tree of a commit that others made', () => {
  it('is read with its modes, its links, its submodules and names that are no UTF-8', async () => {
    const folder = await bareRepository();
    const { id } = blob('x');
    const gitlink = '1'.repeat(40);
    const entries = [
      `120000 ${id} 0\tlink\0`,
      `100755 ${id} 0\trun.sh\0`,
      `160000 ${gitlink} 0\tvendor\0`,
      `100644 ${id} 0\td/umlaut-\xe4\0`,
      `100644 ${id} 0\td/z\0`,
    ];
    const input = Buffer.from(entries.join(''), 'latin1');
    execFileSync('git', ['-C', folder, 'update-index', '-z', '--index-info'], { input });
    const written = stockGit(folder, 'write-tree', '--missing-ok');
    const listing = execFileSync('git', ['-C', folder, 'ls-tree', '-r', '-t', '-z', '--full-tree', written]);
    const tree = TreeIndex.parse(listing);
    expect(tree.id).toBe(written);
    // A change beside them leaves them as they are; a written file keeps its executable bit, a link becomes a file.
    const edited = tree.edit([put('d/z', 'new'), put('run.sh', 'new'), put('link', 'new')]);
    await writePack(folder, [...edited.objects, blob('new'), blob('x')]);
    const now = execFileSync('git', ['-C', folder, 'ls-tree', '-r', '-z', edited.tree.id])
      .toString('latin1')
      .split('\0');
    expect(now).toContain(`100755 blob ${blob('new').id}\trun.sh`);
    expect(now).toContain(`100644 blob ${blob('new').id}\tlink`);
    expect(now).toContain(`160000 commit ${gitlink}\tvendor`);
    expect(now).toContain(`100644 blob ${id}\td/umlaut-\xe4`);
  });
});

describe('random edits', () => {
  const segment = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'a0', 'é', 'zz');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
  const edit = fc.record({ path, content: fc.option(fc.constantFrom('1', '2', '3'), { nil: null }) });

  it('give the tree that git gives the same files, whatever came before', async () => {
    const folder = await bareRepository();
    const rounds = fc.array(fc.array(edit, { maxLength: 6 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(rounds, (groups) => {
        const model = new Map<string, string>();
        let tree = TreeIndex.empty();
        for (const group of groups) {
          const edits = group.map(({ path: at, content }) => ({
            path: at,
            blob: content === null ? null : blob(content).id,
          }));
          try {
            tree = tree.edit(edits).tree;
          } catch {
            // A file and a folder of one name: the whole group is refused, in the model too.
            continue;
          }
          for (const { path: at, blob: id } of edits)
            if (id === null) model.delete(at);
            else model.set(at, id);
        }
        expect(Object.fromEntries([...tree.files()].map((file) => [file.path, file.blob]))).toEqual(
          Object.fromEntries(model),
        );
        expect(tree.id).toBe(writtenByGit(folder, model));
      }),
      { numRuns: 60 },
    );
  });
});
