import type { Repository } from '../model/repository.js';
import { INTENT_COMMIT, PLATFORM, readRollOut, ROLL_OUT } from './rendered-message.js';
import type { RollOut } from './standing.js';

/** Commits that somebody made on `rendered` by hand are looked past; so many of them are a mistake. */
const COMMITS_LOOKED_AT = 50;

export interface StoppedAt {
  readonly kind: 'at';
  readonly intentCommit: string;
  /** Blob id of the platform in force; absent on what was rendered before that was written down. */
  readonly platform: string | undefined;
  readonly rollOut: RollOut | undefined;
}

export type Stopped = { readonly kind: 'nothing rendered' } | StoppedAt | { readonly kind: 'unknown' };

/** The rendered branch itself says how far rendering has come: the trailers of its newest commit that has them. */
export async function whereItStopped(
  repository: Pick<Repository, 'log'>,
  tip: string | undefined,
): Promise<Stopped> {
  if (tip === undefined) return { kind: 'nothing rendered' };
  const newest = await repository.log({ from: tip, limit: COMMITS_LOOKED_AT, order: 'newest first' });
  const trailers = newest.map((entry) => entry.trailers).find((one) => one.has(INTENT_COMMIT));
  const intentCommit = trailers?.get(INTENT_COMMIT);
  if (trailers === undefined || intentCommit === undefined) return { kind: 'unknown' };
  return {
    kind: 'at',
    intentCommit,
    platform: trailers.get(PLATFORM),
    rollOut: readRollOut(trailers.get(ROLL_OUT)),
  };
}
