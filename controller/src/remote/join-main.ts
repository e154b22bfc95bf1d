import type { IntentView } from '../model/intent.js';
import type { Branch, JoiningDraft, LogEntry, Repository, Signature } from '../model/repository.js';
import { mergeUpstream, type Collision } from './merge-upstream.js';
import type { ProposedBy } from './proposals.js';

export interface JoinDeps {
  readonly repository: Repository;
  readonly main: Branch<IntentView>;
  readonly record: (collision: Collision, by: ProposedBy) => Promise<void>;
  readonly now: () => Date;
}

/** Commits whose authors are looked at: a person's push has a few. */
const COMMITS_LOOKED_AT = 200;

/**
 * Brings `theirs` into `main`: by going there where nothing else happened here, by a commit with both as parents otherwise.
 * Proposals are durable before `main` has moved. Answers how many there are.
 */
export async function joinMain(
  { repository, main, record, now }: JoinDeps,
  { theirs, base }: { readonly theirs: string; readonly base: string | undefined },
): Promise<number> {
  let proposals = 0;
  await main.moveBy(async ({ tip, snapshot }) => {
    proposals = 0;
    if (tip === undefined || (await repository.isAncestor(tip, theirs))) return { to: theirs };
    if (await repository.isAncestor(theirs, tip)) return undefined;
    const theirTree = await repository.snapshotAt(theirs);
    const merged = await mergeUpstream({ repository, base, theirs, theirTree, ours: snapshot });
    for (const collision of merged.collisions)
      await record(collision, { tip, theirs, last: await lastChange(repository, theirs, collision.path) });
    proposals = merged.collisions.length;
    return { draft: await draftOf({ repository, tip, theirs, at: now() }, merged) };
  });
  return proposals;
}

async function lastChange(
  repository: Pick<Repository, 'log'>,
  from: string,
  path: string,
): Promise<LogEntry | undefined> {
  const [last] = await repository.log({ from, path, limit: 1, order: 'newest first' });
  return last;
}

async function draftOf(
  {
    repository,
    tip,
    theirs,
    at,
  }: { repository: Pick<Repository, 'log'>; tip: string; theirs: string; at: Date },
  { edits, takes }: Pick<JoiningDraft, 'edits' | 'takes'>,
): Promise<JoiningDraft> {
  const query = { from: theirs, after: tip, limit: COMMITS_LOOKED_AT, order: 'newest first' } as const;
  const commits = await repository.log(query);
  const portal: Signature = { name: 'FullstackAgent portal', email: 'portal@fullstackagent.dev', at };
  const counted = commits.length === 1 ? '1 commit' : `${commits.length} commits`;
  return {
    author: soleAuthor(commits, at) ?? portal,
    committer: portal,
    message: `Merge ${counted} from upstream\n\nAction: merge\nUpstream-Commit: ${theirs}\n`,
    edits,
    takes,
    joins: theirs,
  };
}

/** Whose work a merge brings, where it is one person's. */
function soleAuthor(commits: readonly LogEntry[], at: Date): Signature | undefined {
  const [first] = commits;
  if (first === undefined || commits.some(({ author }) => author.email !== first.author.email))
    return undefined;
  return { ...first.author, at };
}
