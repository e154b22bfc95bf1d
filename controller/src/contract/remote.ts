import type { FieldDifference } from './conflict.js';
import type { ProjectName } from './operations.js';

/** How one branch stands to the same branch of the remote. */
export type RemoteBranchState =
  /** Nothing is known of the remote yet. */
  | 'unknown'
  | 'in-sync'
  /** Commits wait to be pushed. */
  | 'ahead'
  /** The remote lost commits that were there: somebody pushed by force, or removed the branch. */
  | 'rewritten'
  /** The remote has another history, which has nothing in common with this one. */
  | 'unrelated'
  /** Only `rendered`: somebody else pushed to it. */
  | 'diverged'
  /** The server does not take pushes to it. */
  | 'protected'
  /** The two cannot be put together. */
  | 'stuck';

export interface RemoteBranchDto {
  readonly state: RemoteBranchState;
  /** Where a person has to do something: what is wrong, and what to do. */
  readonly message?: string;
  /** Commit ids. */
  readonly here?: string;
  readonly there?: string;
  /** Commits that are not there yet. */
  readonly waiting: number;
}

export interface PullRequestDto {
  readonly number: number;
  readonly url: string;
  /** What it waits for. */
  readonly message?: string;
}

/** `GET /v1/remote`. */
export type RemoteDto =
  | { readonly configured: false }
  | {
      readonly configured: true;
      /** Without credentials. */
      readonly address: string;
      readonly acknowledge: 'local' | 'replicated';
      readonly main: RemoteBranchDto;
      readonly rendered: RemoteBranchDto;
      readonly pullRequest?: PullRequestDto;
      /** Times: RFC 3339. When the remote last answered. */
      readonly reachedAt?: string;
      readonly pushedAt?: string;
      readonly nextAttemptAt?: string;
      readonly failure?: RemoteFailureDto;
      readonly proposals: number;
    };

export interface RemoteFailureDto {
  readonly kind: 'unreachable' | 'unauthorized' | 'not-found' | 'rate-limited' | 'failed';
  readonly message: string;
  /** RFC 3339: since when, without a success in between. */
  readonly since: string;
  readonly attempts: number;
}

/** A change made elsewhere to what was changed here too: what was here stands, until somebody decides. */
export interface ProposalDto {
  readonly id: string;
  /** Of the file on `main`. */
  readonly path: string;
  readonly project?: ProjectName;
  /** RFC 3339: when the two were put together. */
  readonly at: string;
  /** Who made the change there. */
  readonly author: string;
  readonly subject: string;
  readonly upstreamCommit: string;
  /** `theirs` is what stands here, `yours` what is proposed. Empty where the file is no document. */
  readonly fields: readonly FieldDifference[];
}

/** `GET /v1/proposals` and those of one project. */
export interface ProposalsDto {
  readonly proposals: readonly ProposalDto[];
}
