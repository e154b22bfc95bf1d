import { known, upstreamRef } from '../git/index.js';
import type { Remote } from '../model/remote.js';
import type { Repository } from '../model/repository.js';

/**
 * Before a repository is begun: where the remote has one already, that is the one. Answers what each branch is to begin
 * with. Throws a RemoteFailure where the remote does not say: a second beginning could never be joined with the first.
 */
export async function adoptUpstream(
  repository: Pick<Repository, 'refs'>,
  remote: Remote,
): Promise<ReadonlyMap<'main' | 'rendered', string>> {
  const signal = new AbortController().signal;
  const branches = known(await remote.tips(signal));
  if (branches.length > 0) await remote.fetch(branches, signal);
  const found = new Map<'main' | 'rendered', string>();
  for (const branch of branches) {
    const tip = await repository.refs.read(upstreamRef(branch));
    if (tip !== undefined) found.set(branch, tip);
  }
  return found;
}
