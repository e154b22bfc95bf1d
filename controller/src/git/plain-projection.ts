import type { Projection, Snapshot } from '../model/repository.js';

/** For a branch from which nothing is derived: changes are decided against its tree. */
export const plainProjection: Projection<Snapshot> = {
  reload: () => Promise.resolve(),
  working: (snapshot) => snapshot,
  stage: () => undefined,
  settle: () => undefined,
};
