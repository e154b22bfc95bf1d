import type { IntentView } from '../model/intent.js';
import type { Branch, Repository } from '../model/repository.js';
import { portalSignature } from './commit-message.js';
import { GitIntentStore } from './intent-store.js';
import { IntentProjection } from './intent-projection.js';
import { seedEdits, type Seed } from './seed.js';

export { GitIntentStore } from './intent-store.js';
export type { Seed } from './seed.js';

export interface IntentStoreOptions {
  readonly repository: Repository;
  readonly now: () => Date;
  /** Asked only where branch `main` does not exist yet. */
  readonly seed: () => Promise<Seed | Adopted>;
}

/** A commit that somebody else's repository has as its `main`; it is in this one, and durable. */
export interface Adopted {
  readonly commit: string;
}

/** Reads every document of `main`; begins the branch where there is none. */
export async function openIntentStore({
  repository,
  now,
  seed,
}: IntentStoreOptions): Promise<GitIntentStore> {
  const documents = new IntentProjection(repository);
  const main = await repository.branch('main', documents);
  if (main.tip() === undefined) await begin(main, { from: await seed(), at: now() });
  return new GitIntentStore({ repository, now }, documents, main);
}
async function begin(
  main: Branch<IntentView>,
  { from, at }: { readonly from: Seed | Adopted; readonly at: Date },
): Promise<void> {
  if ('commit' in from) {
    await main.moveBy(() => Promise.resolve({ to: from.commit }));
    return;
  }
  const edits = await seedEdits(from);
  const portal = portalSignature(at);
  await main.submit(() => ({
    author: portal,
    committer: portal,
    message: 'Begin the repository\n\nAction: seed\n',
    // Somebody else began it in between: then it is theirs.
    edits: main.tip() === undefined ? edits : [],
  }));
}

export { GitProjectChanges, type ProjectChangesDeps } from './project-changes.js';
export { GitBackupChanges } from './backup-changes.js';
export { GitReleaseChanges, type ReleaseCommit } from './release-changes.js';
export { GitOperatorChanges } from './operator-changes.js';
export { GitPurgeChanges } from './purge-changes.js';
