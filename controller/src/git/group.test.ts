import { describe, expect, it } from 'vitest';
import type { CommitDraft, Projection, Snapshot, StagedFile } from '../model/repository.js';
import { composeGroup, type BranchState } from './group.js';
import { blob } from './object.js';
import { plainProjection } from './plain-projection.js';
import { TreeIndex } from './tree-index.js';

const at = new Date('2026-11-23T08:00:00Z');
const ada = { name: 'Ada', email: 'ada@example.com', at };
const empty: BranchState = { tip: undefined, tree: TreeIndex.empty() };

const draft = (message: string, files: Readonly<Record<string, string | null>> = {}): CommitDraft => ({
  author: ada,
  committer: ada,
  message,
  edits: Object.entries(files).map(([path, content]) => ({ path, content })),
});

const begun = (files: Readonly<Record<string, string>>): BranchState =>
  composeGroup(empty, [() => draft('Begin', files)], plainProjection).state;

const types = (group: ReturnType<typeof composeGroup>): string[] =>
  group.objects.map(({ type }) => type).sort();

describe('composing a group', () => {
  it('of nothing leaves everything where it is', () => {
    const group = composeGroup(begun({ a: '1' }), [], plainProjection);
    expect(group).toMatchObject({ objects: [], commits: [], outcomes: [] });
  });

  it('of one change takes as many files as there are', () => {
    const count = 130_000;
    const files = Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`${at % 300}/${at}`, `${at}`]),
    );
    const group = composeGroup(empty, [() => draft('Begin', files)], plainProjection);
    expect(group.objects).toHaveLength(count + 300 + 2);
  });

  it('chains the commits, each with the tree after it', () => {
    const start = begun({ a: '1' });
    const group = composeGroup(
      start,
      [() => draft('One', { b: '1' }), () => draft('Two', { b: '2' })],
      plainProjection,
    );
    const [one, two] = group.commits;
    expect(one?.parent).toBe(start.tip);
    expect(two?.parent).toBe(one?.commit);
    expect(group.state.tip).toBe(two?.commit);
    expect(two?.files).toEqual([{ path: 'b', before: blob('1').id, after: blob('2').id }]);
    expect(group.state.tree.holds('b', '2')).toBe(true);
    expect(start.tree.blobAt('b')).toBeUndefined();
  });

  it('stores only what is new: the blob, the trees on its path, the commit', () => {
    const start = begun({ 'x/y/1': '1', 'x/z/2': '2', 'q/3': '3' });
    expect(types(composeGroup(start, [() => draft('Change', { 'x/y/1': 'new' })], plainProjection))).toEqual([
      'blob',
      'commit',
      'tree',
      'tree',
      'tree',
    ]);
    expect(types(composeGroup(start, [() => draft('Remove', { 'q/3': null })], plainProjection))).toEqual([
      'commit',
      'tree',
    ]);
    const words = (): CommitDraft => ({ ...draft('Words'), evenIfUnchanged: true });
    expect(types(composeGroup(start, [words], plainProjection))).toEqual(['commit']);
  });

  it('takes the last edit of a path, and none that says what is there', () => {
    const start = begun({ a: '1', b: '1' });
    const edits = [
      { path: 'a', content: '2' },
      { path: 'a', content: '1' },
      { path: 'b', content: '1' },
      { path: 'none', content: null },
    ];
    const group = composeGroup(start, [() => ({ ...draft('Back and forth'), edits })], plainProjection);
    expect(group.outcomes).toEqual([{ written: { commit: start.tip, changed: false } }]);
  });

  it('tells the projection of each change that is accepted, and decides the next one after that', () => {
    const told: (readonly StagedFile[])[] = [];
    const decidedOn: number[] = [];
    const projection: Projection<number> = {
      ...plainProjection,
      working: () => told.length,
      stage: (files) => {
        if (files.some(({ content }) => content === 'bad')) throw new Error('unreadable');
        told.push(files);
      },
    };
    const decide = (content: string) => (view: number) => {
      decidedOn.push(view);
      return draft(content, { [content]: content });
    };
    const group = composeGroup(empty, [decide('one'), decide('bad'), decide('two')], projection);
    expect(decidedOn).toEqual([0, 1, 1]);
    expect(told.map((files) => files.map(({ path }) => path))).toEqual([['one'], ['two']]);
    expect(group.outcomes.map((outcome) => 'written' in outcome)).toEqual([true, false, true]);
    // What was refused after it was decided leaves nothing behind either.
    expect([...(group.state.tree as Snapshot).files()].map(({ path }) => path)).toEqual(['one', 'two']);
    expect(group.objects.some(({ id }) => id === blob('bad').id)).toBe(false);
  });
});
