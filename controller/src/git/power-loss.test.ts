import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Branch, CommitDraft, Snapshot } from '../model/repository.js';
import {
  commitWithStockGit,
  repositoryOptions,
  stockGit,
  temporaryFolder,
} from '../shared/repository-for-tests.js';
import { plainProjection } from './plain-projection.js';
import { fingerprint, PowerLoss, writeState, type DiskState } from './power-loss-for-tests.js';
import { diskWithoutSync, RecordingDisk, type Operation } from './recording-disk-for-tests.js';
import { repack } from './repack.js';
import { openRepository } from './repository.js';

const author = { name: 'A', email: 'a@example.com', at: new Date('2026-11-23T08:00:00Z') };
type Files = Readonly<Record<string, string | null>>;

const draft = (message: string, files: Files): CommitDraft => ({
  author,
  committer: author,
  message,
  edits: Object.entries(files).map(([path, content]) => ({ path, content })),
});

/** What was done on a disk, and what each commit of `main` has to hold. */
interface Story {
  readonly root: string;
  readonly log: readonly Operation[];
  /** Oldest first. */
  readonly commits: readonly string[];
  readonly filesAt: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** From nothing at all: the first start, single changes and groups, a second branch, a repack, a commit by hand, a second start. */
async function tellStory(): Promise<Story> {
  const root = await temporaryFolder();
  const disk = new RecordingDisk();
  const gitDir = join(root, 'gitops.git');
  const open = (): ReturnType<typeof openRepository> =>
    openRepository(gitDir, { ...repositoryOptions, disk });
  const change = async (branch: Branch<Snapshot>, files: Files): Promise<void> => {
    const { commit } = await branch.submit(() => draft(`Change ${Object.keys(files).join(' ')}`, files));
    disk.acknowledged(commit);
  };
  let repository = await open();
  let main = await repository.branch('main', plainProjection);
  await change(main, { 'a/one': '1', top: 'first' });
  await Promise.all([1, 2, 3].map((n) => change(main, { [`a/${n}`]: `${n}`, top: `group ${n}` })));
  const rendered = await repository.branch('rendered', plainProjection);
  await change(rendered, { out: 'rendered' });
  await repack({ gitDir, searchPath: repositoryOptions.searchPath }, disk);
  await change(main, { 'a/one': null, top: 'after the repack' });
  commitWithStockGit(gitDir, 'main', { hand: 'loose objects, in folders that nobody synced' });
  await change(main, { 'a/2': 'on top of what somebody did by hand' });
  await repository.close();
  repository = await open();
  main = await repository.branch('main', plainProjection);
  await change(main, { 'b/two': '2' });
  await repository.close();
  const commits = stockGit(gitDir, 'rev-list', '--reverse', 'main').split('\n');
  const filesAt = new Map(commits.map((commit) => [commit, stockFiles(gitDir, commit)]));
  return { root, log: disk.log, commits, filesAt };
}

function stockFiles(gitDir: string, commit: string): Record<string, string> {
  const paths = stockGit(gitDir, 'ls-tree', '-r', '--name-only', commit).split('\n');
  return Object.fromEntries(paths.map((path) => [path, stockGit(gitDir, 'show', `${commit}:${path}`)]));
}

interface Loss {
  readonly state: DiskState;
  /** How many operations had happened. */
  readonly after: number;
  /** The last change on main that somebody was told of. */
  readonly acknowledged: string | undefined;
}

/** Every different disk after every beginning of the log. */
function* lossesOf({ root, log, commits }: Story): Iterable<Loss> {
  const power = new PowerLoss(root);
  const seen = new Set<string>();
  let acknowledged: string | undefined;
  for (const [at, operation] of log.entries()) {
    power.happen(operation, at);
    if (operation.kind === 'acknowledged' && commits.includes(operation.commit))
      acknowledged = later(commits, acknowledged, operation.commit);
    for (const state of power.states()) {
      const key = `${acknowledged ?? ''} ${fingerprint(state)}`;
      if (!seen.has(key)) yield { state, after: at + 1, acknowledged };
      seen.add(key);
    }
  }
}

const later = (order: readonly string[], a: string | undefined, b: string): string =>
  a !== undefined && order.indexOf(a) > order.indexOf(b) ? a : b;

/** undefined where the disk is as it has to be, else what is wrong. */
async function faultOf(loss: Loss, { commits, filesAt }: Story, root: string): Promise<string | undefined> {
  const gitDir = join(root, 'gitops.git');
  writeState(loss.state, root);
  const repository = await openRepository(gitDir, {
    ...repositoryOptions,
    staleLockMs: 0,
    disk: diskWithoutSync,
  });
  try {
    const main = await repository.branch('main', plainProjection);
    const tip = main.tip();
    if (loss.acknowledged !== undefined && commits.indexOf(tip ?? '') < commits.indexOf(loss.acknowledged))
      return `main is at ${tip ?? 'nothing'}, and ${loss.acknowledged} was acknowledged`;
    if (tip === undefined) return undefined;
    const expected = filesAt.get(tip);
    if (expected === undefined) return `main is at ${tip}, which nobody wrote`;
    const files = [...main.snapshot().files()];
    const contents = await repository.readBlobs(files.map(({ blob }) => blob));
    const found = Object.fromEntries(files.map(({ path }, at) => [path, contents[at]?.toString('utf8')]));
    return JSON.stringify(found) === JSON.stringify(expected) ? undefined : `half of ${tip} is there`;
  } finally {
    await repository.close();
  }
}

/** Stock git's own word, branch `rendered` included; and the writer goes on from there. */
async function goesOn(root: string): Promise<void> {
  const gitDir = join(root, 'gitops.git');
  const report = stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling');
  // A repository without a branch yet is one, too.
  expect(report.split('\n').filter((line) => line !== '' && !line.startsWith('notice: '))).toEqual([]);
  const repository = await openRepository(gitDir, { ...repositoryOptions, disk: diskWithoutSync });
  const main = await repository.branch('main', plainProjection);
  const { commit } = await main.submit(() => draft('On', { on: 'and on' }));
  await repository.close();
  expect(stockGit(gitDir, 'rev-parse', 'main')).toBe(commit);
}

describe('a machine that loses its power', () => {
  it(
    'at any moment keeps every change that was acknowledged, and none by half',
    { timeout: 240_000 },
    async () => {
      const story = await tellStory();
      const folder = await temporaryFolder();
      const faults: string[] = [];
      let count = 0;
      for (const loss of lossesOf(story)) {
        const root = join(folder, `${count}`);
        const fault = await faultOf(loss, story, root)
          .then(async (found) => {
            if (found === undefined && count % 8 === 0) await goesOn(root);
            return found;
          })
          .catch((error: unknown) => String(error));
        if (fault !== undefined) faults.push(`after ${loss.after} operations: ${fault}`);
        count += 1;
        if (faults.length > 0) break;
      }
      expect(faults).toEqual([]);
      expect(story.commits).toHaveLength(8);
      expect(count).toBeGreaterThan(200);
    },
  );
});
