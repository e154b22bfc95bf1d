import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Branch, Repository, Snapshot } from '../model/repository.js';
import { openForTest, repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { blob } from './object.js';
import { plainProjection } from './plain-projection.js';
import { repack } from './repack.js';

/** Content by path: what a repository is, to whoever does not ask how it is stored. */
type Model = Map<string, string>;
type Files = Readonly<Record<string, string | null>>;
type Step =
  | { readonly kind: 'change'; readonly files: Files }
  | { readonly kind: 'refused' | 'bad path' | 'bad text' | 'repack' | 'wait' }
  | { readonly kind: 'by hand'; readonly files: Files };

const path = fc.constantFrom('top', 'a/1', 'a/2', 'a/b/1', 'c/deep/er/1', 'c/deep/2');
const content = fc.option(fc.constantFrom('', 'one', 'two\n', 'drei ü'), { nil: null });
const files = fc
  .array(fc.tuple(path, content), { minLength: 1, maxLength: 3 })
  .map((edits): Files => Object.fromEntries(edits));
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('change' as const), files }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('refused' as const, 'bad path' as const, 'bad text' as const, 'wait' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repack' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('by hand' as const), files }) },
);

const author = { name: 'A', email: 'a@example.com', at: new Date('2026-11-23T08:00:00Z') };
const refusal = new Error('refused');

/** One change that somebody handed in: what it wanted, what it saw when it was decided last, what became of it. */
interface Asked {
  readonly files: Files;
  seen: string | undefined;
  commit?: string;
  changed?: boolean;
}

class Run {
  readonly asked: Asked[] = [];
  readonly byHand = new Map<string, Files>();
  readonly #underWay: Promise<unknown>[] = [];

  constructor(
    private readonly repository: Repository,
    private readonly main: Branch<Snapshot>,
  ) {}

  async do(step: Step): Promise<void> {
    if (step.kind === 'wait') await this.finish();
    else if (step.kind === 'change') this.#underWay.push(this.#change(step.files));
    else if (step.kind === 'by hand') this.#underWay.push(this.#changeByHand(step.files));
    else if (step.kind === 'repack')
      this.#underWay.push(repack({ gitDir: this.repository.path, searchPath: repositoryOptions.searchPath }));
    else this.#underWay.push(this.#refused(step.kind));
  }

  async finish(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }

  async #change(files: Files): Promise<void> {
    const asked: Asked = { files, seen: undefined };
    this.asked.push(asked);
    const edits = Object.entries(files).map(([path, content]) => ({ path, content }));
    const written = await this.main.submit((tree) => {
      asked.seen = tree.blobAt('top');
      return { author, committer: author, message: 'Change', edits };
    });
    Object.assign(asked, written);
  }

  async #refused(kind: 'refused' | 'bad path' | 'bad text'): Promise<void> {
    const bad =
      kind === 'bad path' ? { path: 'a/../../b', content: 'x' } : { path: 'bad', content: '\ud83d' };
    const submitted = this.main.submit(() => {
      if (kind === 'refused') throw refusal;
      return { author, committer: author, message: 'Bad', edits: [bad, { path: 'a/1', content: 'never' }] };
    });
    await expect(submitted).rejects.toThrow();
  }

  /** Past the writer, while it works: where it was faster, git says so and nothing happened. */
  async #changeByHand(files: Files): Promise<void> {
    const gitDir = this.repository.path;
    const changes = Object.entries(files).map(([path, content]) =>
      content === null
        ? `D ${path}\n`
        : `M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`,
    );
    const args = [`--git-dir=${gitDir}`, 'fast-import', '--quiet'];
    const git = spawn('git', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const ended = once(git, 'close');
    git.stdin.on('error', () => undefined);
    const head =
      'commit refs/heads/main\nmark :1\ncommitter H <h@example.com> 1790000000 +0000\ndata 7\nBy hand\n';
    git.stdin.end(`${head}from refs/heads/main^0\n${changes.join('')}\nget-mark :1\n`);
    const mark = /^([0-9a-f]{40})$/m.exec(await text(git.stdout));
    await ended;
    if (mark?.[1] !== undefined) this.byHand.set(mark[1], files);
  }
}

function apply(model: Model, files: Files): void {
  for (const [path, content] of Object.entries(files))
    if (content === null) model.delete(path);
    else model.set(path, content);
}

/** Goes through the history as it came out, and checks every change against what stood before it. */
function replay({ asked, byHand }: Run, history: readonly string[]): Model {
  const model: Model = new Map();
  const written = new Map(asked.filter(({ changed }) => changed).map((one) => [one.commit ?? '', one]));
  // Every acknowledged change is one commit of its own, and there is no other commit.
  expect(history.filter((commit) => !byHand.has(commit))).toEqual([...written.keys()]);
  for (const commit of history) {
    const mine = written.get(commit);
    const top = model.get('top');
    if (mine !== undefined) expect(mine.seen).toBe(top === undefined ? undefined : blob(top).id);
    apply(model, mine?.files ?? byHand.get(commit) ?? {});
  }
  return model;
}

async function live(steps: readonly Step[]): Promise<void> {
  const gitDir = join(await temporaryFolder(), 'gitops.git');
  const repository = await openForTest(gitDir);
  const main = await repository.branch('main', plainProjection);
  const run = new Run(repository, main);
  await run.do({ kind: 'change', files: { top: 'begun' } });
  await run.finish();
  for (const step of steps) await run.do(step);
  await run.finish();
  // Nobody is in the way of this one, and the last change meets a branch that was moved.
  await run.do({ kind: 'by hand', files: { top: `by hand after ${steps.length}` } });
  await run.finish();
  expect(run.byHand.has(stockGit(gitDir, 'rev-parse', 'main'))).toBe(true);
  await run.do({ kind: 'change', files: { last: 'one' } });
  await run.finish();

  const history = stockGit(gitDir, 'rev-list', '--first-parent', '--reverse', 'main').split('\n');
  for (const { commit } of run.asked) expect(history).toContain(commit);
  const model = replay(run, history);
  const stored = [...main.snapshot().files()];
  const contents = await repository.readBlobs(stored.map((file) => file.blob));
  const found = stored.map((file, at) => [file.path, contents[at]?.toString('utf8')] as const);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(model));
  expect(stockGit(gitDir, 'rev-parse', 'main')).toBe(main.tip());
  await repository.close();
  expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
}

describe('a branch in a random life', () => {
  it(
    'is what a map would be, with everybody’s changes in the order they were acknowledged',
    { timeout: 120_000 },
    async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), live), {
        numRuns: 30,
        seed: 20_261_123,
      });
    },
  );
});
