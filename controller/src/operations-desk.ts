import { PLATFORM_PATH } from '@fullstackagent/charts';
import type { Asked } from './api/changes.js';
import type { OperationsDesk } from './api/operations.js';
import { AppError } from './contract/errors.js';
import { GitOperatorChanges } from './intent/index.js';
import type { Accepted, IntentStore } from './model/intent.js';
import type { Repository } from './model/repository.js';
import type { Operations } from './reconcile/index.js';

/** Puts what rendering holds back and the changes that decide about it together. */
export function operationsDesk(deps: {
  readonly repository: Repository;
  readonly store: IntentStore;
  readonly operations: Operations;
}): OperationsDesk {
  const { repository, store, operations } = deps;
  const changes = new GitOperatorChanges({ store, repository });
  return {
    list: () => operations.list(),
    plan: () => operations.plan(),
    approveRemovals: async (asked, commit) => {
      await operations.removedBy(commit);
      return changes.approve(asked, { commit, what: 'the removals' });
    },
    putBackRemovals: async (asked, commit) =>
      changes.putBack(asked, { commit, removed: await operations.removedBy(commit) }),
    approveRollOut: (asked) =>
      changes.approve(asked, { commit: operations.rollOut().rollOut.commit, what: 'the new platform.yaml' }),
    putBackPlatform: (asked) => putPlatformBack(asked),
  };

  /** While it waits, the platform in force is the one before; once it rolls, the commit says what it replaced. */
  async function putPlatformBack(asked: Asked): Promise<Accepted> {
    const { rollOut, inForce } = operations.rollOut();
    const version = rollOut.state === 'waiting' ? inForce : await replacedBy(rollOut.commit);
    const expected = store.versionAt(PLATFORM_PATH);
    if (version === undefined || expected === undefined)
      throw new AppError('ACTION_NOT_ALLOWED', 'There is no earlier platform.yaml to put back.');
    return changes.putPlatformBack(asked, { version, expected });
  }

  async function replacedBy(commit: string): Promise<string | undefined> {
    const query = { from: commit, limit: 1, order: 'newest first', files: true } as const;
    const [entry] = await repository.log(query);
    return entry?.files.find(({ path }) => path === PLATFORM_PATH)?.before ?? undefined;
  }
}
