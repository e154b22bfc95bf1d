import { AppError } from '@fullstackagent/controller/contract';
import type { Decision } from '../operations-client.js';
import { signedIn, type Call } from './route.js';

const COMMIT_ID = /^[0-9a-f]{40}$/;

/** A route for operators. Whether somebody is one is decided again, and for good, by the controller. */
export function forOperators(
  work: (call: Call) => Promise<unknown>,
  status = 200,
): ReturnType<typeof signedIn> {
  return signedIn((call) => {
    if (!call.user.operator)
      throw new AppError('FORBIDDEN', 'This is for the operators of the installation.');
    return work(call);
  }, status);
}

export const decideRollout = (decision: Decision): ReturnType<typeof signedIn> =>
  forOperators(({ controller }) => controller.operations.decideRollout(decision), 202);

export const decideRemoval = (decision: Decision): ReturnType<typeof signedIn> =>
  forOperators(
    ({ controller, event }) => controller.operations.decideRemoval(commitIn(event.params), decision),
    202,
  );

/** Throws NOT_FOUND for what is no commit, so that no other text ever becomes part of an address. */
function commitIn({ commit = '' }: Partial<Record<string, string>>): string {
  if (!COMMIT_ID.test(commit)) throw new AppError('NOT_FOUND', 'There is no such commit.');
  return commit;
}
