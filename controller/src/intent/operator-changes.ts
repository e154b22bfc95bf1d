import { PLATFORM_PATH } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { Accepted, Author, ChangeRequest, IntentStore } from '../model/intent.js';
import type { FileChange, Repository } from '../model/repository.js';

export interface OperatorChangesDeps {
  readonly store: Pick<IntentStore, 'change'>;
  readonly repository: Pick<Repository, 'readBlobs'>;
}

interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

/** What an operator decides about commits whose consequences are held back, as commits on `main`. */
export class GitOperatorChanges {
  constructor(private readonly deps: OperatorChangesDeps) {}

  /** Says yes to a commit: rendering goes on with what it held back. */
  approve(asked: Asked, { commit, what }: { commit: string; what: string }): Promise<Accepted> {
    return this.deps.store.change({
      ...asked,
      action: 'approve',
      subject: `Approve ${what} of ${commit.slice(0, 12)}`,
      approves: commit,
      decide: () => [],
    });
  }

  /** Puts back the documents that a commit took away: those that are still as it left them. */
  async putBack(
    asked: Asked,
    { commit, removed }: { commit: string; removed: readonly FileChange[] },
  ): Promise<Accepted> {
    const contents = await this.#contents(removed.map(({ before }) => before ?? ''));
    return this.#change(asked, {
      action: 'put-back',
      subject: `Put back what ${commit.slice(0, 12)} took away`,
      decide: (view) =>
        removed.flatMap(({ path, after }, index) => {
          const content = contents[index];
          const untouched = (view.versionAt(path) ?? null) === after;
          return untouched && content !== undefined ? [{ path, content }] : [];
        }),
    });
  }

  /** Makes an earlier `platform.yaml` the latest one again. Throws ACTION_NOT_ALLOWED where it changed meanwhile. */
  async putPlatformBack(
    asked: Asked,
    { version, expected }: { version: string; expected: string },
  ): Promise<Accepted> {
    const [content = ''] = await this.#contents([version]);
    return this.#change(asked, {
      action: 'put-back',
      subject: 'Put platform.yaml back as it was before',
      decide: (view) => {
        if (view.versionAt(PLATFORM_PATH) !== expected)
          throw new AppError('ACTION_NOT_ALLOWED', 'platform.yaml was changed meanwhile. Look at it again.');
        return [{ path: PLATFORM_PATH, content }];
      },
    });
  }

  async #contents(blobs: readonly string[]): Promise<readonly string[]> {
    return (await this.deps.repository.readBlobs(blobs)).map((content) => content.toString('utf8'));
  }

  #change(asked: Asked, change: Omit<ChangeRequest, keyof Asked>): Promise<Accepted> {
    return this.deps.store.change({ ...change, ...asked });
  }
}
