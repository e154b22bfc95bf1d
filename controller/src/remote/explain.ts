import type { RemoteBranch } from '../model/remote.js';

/** What stopped, in words for an operator: what happened, and what they can do. */

const short = (commit: string): string => commit.slice(0, 12);

export const explain = {
  rewritten: (agreed: string, theirs: string) => ({
    state: 'rewritten' as const,
    message: `Somebody pushed to main by force there: it was at ${short(agreed)} and is at ${short(theirs)} now, which does not come after it. Nothing is pushed to main or taken from it. Put the old commits back there, or accept what is there: it is merged, and what was written here stays.`,
  }),
  removed: () => ({
    state: 'rewritten' as const,
    message:
      'Somebody removed main there. Nothing is pushed to it. Put it back, or accept that: main is pushed again.',
  }),
  unrelated: () => ({
    state: 'unrelated' as const,
    message:
      'main there and main here have no commit in common: it is another repository, or was begun twice. Nothing is pushed. Name another remote, or accept what is there: both are joined, and where they differ about a file, the one here stands.',
  }),
  stuck: (theirs: string, why: string) => ({
    state: 'stuck' as const,
    message: `Commit ${short(theirs)} there cannot be merged: ${why} Take that back there with another commit.`,
  }),
  diverged: (theirs: string) => ({
    state: 'diverged' as const,
    message: `rendered has commits there that were not made here (${short(theirs)}). Only the platform writes to it. Take them away there, or keep what is rendered here.`,
  }),
  refused: (branch: RemoteBranch, reason: string) => ({
    state: 'protected' as const,
    message:
      branch === 'main'
        ? `The server does not take pushes to main: ${reason}. Let the platform push there, or let it make pull requests (GITOPS_REMOTE_API).`
        : `The server does not take pushes to rendered: ${reason}. It is written by the platform alone: let it push there.`,
  }),
};
