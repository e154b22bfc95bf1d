import type { Branch, Repository, Snapshot } from '../model/repository.js';
import { INTENT_COMMIT } from './rendered-message.js';

/** Commits that somebody made on `rendered` by hand are looked past; so many of them are a mistake. */
const COMMITS_LOOKED_AT = 50;

export type Stopped =
  | { readonly kind: 'nothing rendered' }
  | { readonly kind: 'at'; readonly intentCommit: string }
  | { readonly kind: 'unknown' };

/** The rendered branch itself says how far rendering has come: the trailer of its newest commit that has one. */
export async function whereItStopped(
  repository: Pick<Repository, 'log'>,
  rendered: Pick<Branch<Snapshot>, 'tip'>,
): Promise<Stopped> {
  const tip = rendered.tip();
  if (tip === undefined) return { kind: 'nothing rendered' };
  const newest = await repository.log({ from: tip, limit: COMMITS_LOOKED_AT, order: 'newest first' });
  const intentCommit = newest
    .map(({ trailers }) => trailers.get(INTENT_COMMIT))
    .find((found) => found !== undefined);
  return intentCommit === undefined ? { kind: 'unknown' } : { kind: 'at', intentCommit };
}
