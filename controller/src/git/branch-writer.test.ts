import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Branch, CommitDraft, Repository, Snapshot } from '../model/repository.js';
import {
  commitWithStockGit,
  openForTest,
  stockGit,
  temporaryFolder,
} from '../shared/repository-for-tests.js';
import { plainProjection } from './plain-projection.js';

const at = new Date('2026-11-23T08:00:00Z');
const ada = { name: 'Ada', email: 'ada@example.com', at };

const draft = (message: string, files: Readonly<Record<string, string | null>>): CommitDraft => ({
  author: ada,
  committer: ada,
  message,
  edits: Object.entries(files).map(([path, content]) => ({ path, content })),
});

async function openMain(): Promise<{ repository: Repository; main: Branch<Snapshot>; gitDir: string }> {
  const gitDir = join(await temporaryFolder(), 'gitops.git');
  const repository = await openForTest(gitDir);
  return { repository, gitDir, main: await repository.branch('main', plainProjection) };
}

const packs = (gitDir: string): number =>
  Number(/packs: (\d+)/.exec(stockGit(gitDir, 'count-objects', '-v'))?.[1]);
const subjects = (gitDir: string): string[] =>
  stockGit(gitDir, 'log', '--reverse', '--format=%s', 'main').split('\n');
const clean = (gitDir: string): string => stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling');

describe('a line of history from elsewhere', () => {
  const elsewhere = (gitDir: string, parent: string, file: string): string => {
    stockGit(gitDir, 'branch', 'upstream', parent);
    return commitWithStockGit(gitDir, 'upstream', { [file]: 'theirs' });
  };

  it('is joined by a commit with two parents', async () => {
    const { main, gitDir } = await openMain();
    const first = await main.submit(() => draft('First', { a: '1' }));
    const theirs = elsewhere(gitDir, first.commit, 'b');
    await main.submit(() => draft('Second', { a: '2' }));
    const merged = await main.submit(() => ({ ...draft('Join', { b: 'theirs' }), joins: theirs }));
    expect(stockGit(gitDir, 'rev-parse', 'main^2')).toBe(theirs);
    expect(main.tip()).toBe(merged.commit);
    expect(clean(gitDir)).toBe('');
  });

  it('is followed where it comes after the tip, and only then', async () => {
    const { main, gitDir } = await openMain();
    const first = await main.submit(() => draft('First', { a: '1' }));
    const theirs = elsewhere(gitDir, first.commit, 'b');
    const moved: string[] = [];
    main.onMoved((commits) => moved.push(...commits));
    expect(await main.moveBy(() => Promise.resolve({ to: theirs }))).toBe(theirs);
    expect(main.tip()).toBe(theirs);
    expect(moved).toEqual([theirs]);
    expect(await main.moveBy(() => Promise.resolve({ to: first.commit }))).toBeUndefined();
    expect(main.tip()).toBe(theirs);
  });
});

describe('a branch', () => {
  it('does not exist until its first commit', async () => {
    const { main, gitDir } = await openMain();
    expect(main.tip()).toBeUndefined();
    const { commit, changed } = await main.submit(() => draft('First', { 'a/b': 'x' }));
    expect(changed).toBe(true);
    expect(main.tip()).toBe(commit);
    expect(stockGit(gitDir, 'rev-parse', 'HEAD')).toBe(commit);
    expect(stockGit(gitDir, 'show', 'main:a/b')).toBe('x');
  });

  it('can begin with an empty tree', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('Nothing yet', {}));
    expect(subjects(gitDir)).toEqual(['Nothing yet']);
    expect(clean(gitDir)).toBe('');
  });

  it('stays where it is when a change changes nothing', async () => {
    const { main, gitDir } = await openMain();
    const first = await main.submit(() => draft('First', { a: 'x' }));
    const again = await main.submit(() => draft('Again', { a: 'x', b: null }));
    expect(again).toEqual({ commit: first.commit, changed: false });
    const said = await main.submit(() => ({ ...draft('Only words', {}), evenIfUnchanged: true }));
    expect(said.changed).toBe(true);
    expect(subjects(gitDir)).toEqual(['First', 'Only words']);
  });

  it('writes changes that wait for each other as one pack, each with its own commit, in order', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { a: 'x' }));
    const before = packs(gitDir);
    const written = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        main.submit(() => draft(`Change ${index}`, { [`f/${index}`]: 'x' })),
      ),
    );
    expect(packs(gitDir)).toBe(before + 1);
    expect(new Set(written.map(({ commit }) => commit)).size).toBe(50);
    expect(subjects(gitDir)).toEqual([
      'First',
      ...Array.from({ length: 50 }, (_, index) => `Change ${index}`),
    ]);
    expect(clean(gitDir)).toBe('');
  });

  it('takes any number of changes at once', async () => {
    const { main, gitDir } = await openMain();
    const count = 333;
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        main.submit(() => draft(`${index}`, { [`f${index}`]: '' })),
      ),
    );
    expect(subjects(gitDir)).toEqual(Array.from({ length: count }, (_, index) => `${index}`));
  });

  it('decides each change against what the ones before it in the group left', async () => {
    const { main } = await openMain();
    const taken = (tree: Snapshot): CommitDraft => {
      if (tree.blobAt('name') !== undefined) throw new Error('taken');
      return draft('Take the name', { name: 'mine' });
    };
    const results = await Promise.allSettled([1, 2, 3].map(() => main.submit(taken)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('refuses a change without touching its neighbours', async () => {
    const { main, gitDir } = await openMain();
    const refusal = new Error('not this one');
    const results = await Promise.allSettled([
      main.submit(() => draft('One', { a: '1' })),
      main.submit(() => {
        throw refusal;
      }),
      main.submit(() => draft('Bad path', { '../etc/passwd': 'x' })),
      main.submit(() => draft('Bad text', { b: 'half \ud83d' })),
      main.submit(() => draft('Two', { a: '2' })),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({ reason: refusal });
    expect(results[2]).toMatchObject({ reason: { code: 'VALIDATION_FAILED' } });
    expect(results[3]).toMatchObject({ reason: { code: 'VALIDATION_FAILED' } });
    expect(subjects(gitDir)).toEqual(['One', 'Two']);
  });

  it('tells of every commit, in order, before it is acknowledged; who listens badly harms nobody', async () => {
    const { main } = await openMain();
    const told: string[] = [];
    main.onMoved(() => {
      throw new Error('not my day');
    });
    const end = main.onMoved((commits) => told.push(...commits));
    const first = await main.submit(() => draft('0', { a: '0' }));
    expect(told).toEqual([first.commit]);
    const more = await Promise.all([1, 2].map((n) => main.submit(() => draft(`${n}`, { a: `${n}` }))));
    expect(told).toEqual([first.commit, ...more.map(({ commit }) => commit)]);
    end();
    await main.submit(() => draft('3', { a: '3' }));
    expect(told).toHaveLength(3);
  });

  it('is found again by the next process', async () => {
    const { main, repository, gitDir } = await openMain();
    const { commit } = await main.submit(() => draft('First', { 'a/b': 'x', c: 'y' }));
    await repository.close();
    const again = await (await openForTest(gitDir)).branch('main', plainProjection);
    expect(again.tip()).toBe(commit);
    expect([...again.snapshot().files()].map(({ path }) => path)).toEqual(['a/b', 'c']);
  });

  it('can be cloned with stock git, with its history', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { 'a/b': 'x' }));
    await main.submit(() => draft('Second', { 'a/c': 'y' }));
    const clone = join(await temporaryFolder(), 'clone');
    stockGit(gitDir, 'clone', '--quiet', `file://${gitDir}`, clone);
    expect(stockGit(clone, 'log', '--format=%s')).toBe('Second\nFirst');
    expect(stockGit(clone, 'ls-files')).toBe('a/b\na/c');
    expect(stockGit(clone, 'status', '--short')).toBe('');
  });
});

describe('a branch that somebody else moved', () => {
  it('acknowledges nothing that it saw on the old tip, not even that there is nothing to do', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { a: 'x' }));
    commitWithStockGit(gitDir, 'main', { a: 'theirs' });
    const again = await main.submit(() => draft('Again', { a: 'x' }));
    expect(again.changed).toBe(true);
    expect(stockGit(gitDir, 'show', 'main:a')).toBe('x');
  });

  it('is read again, and the change is decided again', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { a: '1' }));
    const seen: (string | undefined)[] = [];
    const theirs = commitWithStockGit(gitDir, 'main', { b: 'theirs' });
    const { commit } = await main.submit((tree) => {
      seen.push(tree.blobAt('b'));
      return draft('Mine', { a: '2' });
    });
    expect(seen.map((blob) => blob !== undefined)).toEqual([false, true]);
    expect(stockGit(gitDir, 'rev-parse', `${commit}^`)).toBe(theirs);
    expect(subjects(gitDir)).toEqual(['First', 'By hand', 'Mine']);
    expect(stockGit(gitDir, 'show', 'main:b')).toBe('theirs');
  });

  it('keeps every change of a group that lost, and tells of the foreign commits first', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { a: '1' }));
    const told: string[] = [];
    main.onMoved((commits) => told.push(...commits));
    commitWithStockGit(gitDir, 'main', { b: '1' });
    commitWithStockGit(gitDir, 'main', { b: '2' });
    await Promise.all([1, 2, 3].map((n) => main.submit(() => draft(`Mine ${n}`, { [`m${n}`]: '' }))));
    expect(subjects(gitDir)).toEqual(['First', 'By hand', 'By hand', 'Mine 1', 'Mine 2', 'Mine 3']);
    expect(told).toEqual(stockGit(gitDir, 'log', '--reverse', '--format=%H', 'main').split('\n').slice(1));
  });

  it('is noticed when it is looked for', async () => {
    const { main, gitDir } = await openMain();
    await main.submit(() => draft('First', { a: '1' }));
    const theirs = commitWithStockGit(gitDir, 'main', { b: 'x' });
    expect(main.tip()).not.toBe(theirs);
    await main.refresh();
    expect(main.tip()).toBe(theirs);
    expect(main.snapshot().holds('b', 'x')).toBe(true);
  });

  it('back in history is followed too', async () => {
    const { main, gitDir } = await openMain();
    const first = await main.submit(() => draft('First', { a: '1' }));
    await main.submit(() => draft('Second', { a: '2' }));
    stockGit(gitDir, 'update-ref', 'refs/heads/main', first.commit);
    await main.submit(() => draft('Third', { b: '3' }));
    expect(subjects(gitDir)).toEqual(['First', 'Third']);
    expect(stockGit(gitDir, 'show', 'main:a')).toBe('1');
  });
});

describe('a disk that fails', () => {
  it('refuses the changes, keeps what was there, and goes on when it is well again', async () => {
    const { main, gitDir } = await openMain();
    const first = await main.submit(() => draft('First', { a: '1' }));
    const [objects, away] = [join(gitDir, 'objects', 'pack'), join(gitDir, 'away')];
    await rename(objects, away);
    await writeFile(objects, 'no folder');
    const lost = main.submit(() => draft('Lost', { a: '2' }));
    await expect(lost).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: 'The change could not be stored.',
    });
    expect(main.tip()).toBe(first.commit);
    expect(main.snapshot().holds('a', '1')).toBe(true);
    await rm(objects);
    await rename(away, objects);
    await main.submit(() => draft('Well again', { a: '3' }));
    expect(subjects(gitDir)).toEqual(['First', 'Well again']);
  });

  it('says so where the ref cannot be written, and leaves no lock', async () => {
    const { main, gitDir } = await openMain();
    await mkdir(join(gitDir, 'refs', 'heads', 'main', 'in-the-way'), { recursive: true });
    await expect(main.submit(() => draft('Lost', { a: '1' }))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect(existsSync(join(gitDir, 'refs/heads/main.lock'))).toBe(false);
    await rm(join(gitDir, 'refs', 'heads', 'main'), { recursive: true });
    expect((await main.submit(() => draft('Works', { a: '1' }))).changed).toBe(true);
  });
});

describe('random changes', () => {
  const path = fc
    .tuple(fc.constantFrom('t/a', 't/b', 'x'), fc.constantFrom('1', '2', '3', 'deep/er'))
    .map((p) => p.join('/'));
  const change = fc.record({ path, content: fc.option(fc.string({ unit: 'grapheme' }), { nil: null }) });

  it('in random groups leave what a map would hold, and a repository without a fault', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), { maxLength: 5 }),
        async (groups) => {
          const { main, gitDir, repository } = await openMain();
          const model = new Map<string, string>();
          for (const group of groups) {
            await Promise.all(
              group.map((edit, index) =>
                main.submit(() => draft(`Change ${index}`, { [edit.path]: edit.content })),
              ),
            );
            for (const edit of group)
              if (edit.content === null) model.delete(edit.path);
              else model.set(edit.path, edit.content);
          }
          const files = [...main.snapshot().files()];
          const contents = await repository.readBlobs(files.map(({ blob }) => blob));
          const stored = files.map((file, index) => [file.path, contents[index]?.toString('utf8')]);
          expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(model));
          const listed =
            main.tip() === undefined ? '' : stockGit(gitDir, 'ls-tree', '-r', '--name-only', 'main');
          expect(listed.split('\n').filter(Boolean)).toEqual(files.map((file) => file.path));
          expect(clean(gitDir)).toBe('');
          await repository.close();
        },
      ),
      { numRuns: 12 },
    );
  });
});
