import type { Branch, Repository, Snapshot } from '../model/repository.js';

const UPSTREAM_RENDERED = 'refs/upstream/rendered';

/** Where the branch is not there any more, it goes on from what a remote has of it: the applier knows that one. */
export async function adopt(repository: Pick<Repository, 'refs'>, rendered: Branch<Snapshot>): Promise<void> {
  if (rendered.tip() !== undefined) return;
  const there = await repository.refs.read(UPSTREAM_RENDERED);
  if (there === undefined) return;
  await rendered.moveBy(({ tip }) => Promise.resolve(tip === undefined ? { to: there } : undefined));
}
