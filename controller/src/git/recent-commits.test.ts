import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommitDraft, LogEntry } from '../model/repository.js';
import { openForTest, temporaryFolder } from '../shared/repository-for-tests.js';
import { plainProjection } from './plain-projection.js';
import { RecentCommits } from './recent-commits.js';

const at = new Date('2026-11-23T08:00:00.750Z');

const path = fc.constantFrom('a', 'b/c', 'b/d', 'é', 'platform.yaml');
const text = fc.constantFrom('Ada', 'Eve <e@x>', ' two  words ', 'Ñandú 🚲', 'a,b.');
const draft: fc.Arbitrary<CommitDraft> = fc
  .record({
    name: text,
    message: fc.constantFrom(
      'Stop my-blog\n\nAction: stop\nProject: ns-ab3cd4ef/my-blog\nRequest-Id: r-1\n',
      'Render: Stop my-blog\n\nIntent-Commit: 1234\nRenderer: 1\n',
      'Only a subject',
      'Two lines\nof one subject\n\nAction: x',
      'A body\n\nthat says: something\nand goes on without a trailer\n\nAction: x\n',
    ),
    edits: fc.array(fc.record({ path, content: fc.option(fc.constantFrom('1', '2'), { nil: null }) }), {
      maxLength: 4,
    }),
  })
  .map(({ name, message, edits }) => {
    const who = { name, email: `${name.length}@example.com`, at };
    return { author: who, committer: { ...who, name: 'Portal' }, message, edits, evenIfUnchanged: true };
  });

const byPath = (entries: readonly LogEntry[]): unknown =>
  entries.map((entry) => ({ ...entry, files: [...entry.files].sort((a, b) => (a.path < b.path ? -1 : 1)) }));

describe('the commits that were written last', () => {
  it('are told of as git tells of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(draft, { minLength: 2, maxLength: 6 }), async (drafts) => {
        const gitDir = join(await temporaryFolder(), 'gitops.git');
        const first = await openForTest(gitDir);
        const main = await first.branch('main', plainProjection);
        for (const one of drafts) await main.submit(() => one);
        const tip = main.tip() ?? '';
        const [root] = await first.log({ from: tip, order: 'oldest first' });
        const query = { from: tip, after: root?.commit ?? '', order: 'oldest first', files: true } as const;
        const remembered = await first.log(query);
        await first.close();
        // The next process remembers nothing and asks git.
        const second = await openForTest(gitDir);
        expect(byPath(remembered)).toEqual(byPath(await second.log(query)));
        await second.close();
      }),
      { numRuns: 10 },
    );
  });

  it('are all known, or git is asked', () => {
    const entry = (commit: string, parent: string | undefined): LogEntry => ({
      commit,
      parent,
      at,
      author: { name: '', email: '' },
      subject: commit,
      trailers: new Map(),
      files: [],
    });
    const recent = new RecentCommits();
    recent.add([entry('b', 'a'), entry('c', 'b'), entry('e', 'd'), entry('z', undefined)]);
    expect(recent.between('a', 'c')?.map(({ commit }) => commit)).toEqual(['b', 'c']);
    expect(recent.between('c', 'c')).toEqual([]);
    for (const [after, tip] of [
      ['a', 'e'],
      ['a', 'x'],
      ['b', 'z'],
    ] as const)
      expect(recent.between(after, tip)).toBeUndefined();
    const many = Array.from({ length: 3_000 }, (_, n) => entry(`${n + 1}`, `${n}`));
    recent.add(many);
    expect(recent.between('a', 'c')).toBeUndefined();
    expect(recent.between('0', '3000')).toBeUndefined();
    expect(recent.between('1000', '3000')).toHaveLength(2_000);
  });
});
