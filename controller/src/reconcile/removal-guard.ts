import { documentAt, type PlatformDocument } from '@fullstackagent/charts';
import type { FileChange } from '../model/repository.js';
import type { MainPosition } from './main-position.js';

/** What one commit may take away without being asked: so many projects, or this part of all documents, if that is more. */
const DEFAULT_LIMIT = { projects: 5, percent: 10 } as const;

/**
 * The changes of one commit that would take running projects away, if they are more than the installation's limit.
 * Nobody deletes so many at once by clicking: it is a script or a merge that went wrong, or somebody who means it and can
 * say so.
 */
export async function removalsToHold(
  position: MainPosition,
  changes: readonly FileChange[],
  platform: PlatformDocument | undefined,
): Promise<readonly FileChange[]> {
  const { projects, percent } = platform?.spec.removalLimit ?? DEFAULT_LIMIT;
  const limit = Math.max(projects, Math.floor((position.size() * percent) / 100));
  const ofProjects = changes.filter(({ path }) => documentAt(path)?.kind === 'Project');
  if (ofProjects.length <= limit) return [];
  const removals: FileChange[] = [];
  for (const change of ofProjects) if (await isRemoval(position, change)) removals.push(change);
  return removals.length > limit ? removals : [];
}

/** True where the project was there to run or to be started, and is not any more. */
export async function isRemoval(
  position: MainPosition,
  { path, before, after }: FileChange,
): Promise<boolean> {
  const was = before === null ? undefined : await position.version(path, before);
  if (was?.kind !== 'Project' || was.document.spec.state === 'Deleted') return false;
  const is = after === null ? undefined : await position.version(path, after);
  // One that cannot be read takes nothing away: its last good rendering stands.
  return is === undefined || (is.kind === 'Project' && is.document.spec.state === 'Deleted');
}
