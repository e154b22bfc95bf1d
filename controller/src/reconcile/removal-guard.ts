import { documentAt, type PlatformDocument } from '@fullstackagent/charts';
import type { StoredProject } from '../intent/documents.js';
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

/** True where the change takes away what runs, or data that was kept. */
export async function isRemoval(
  position: MainPosition,
  { path, before, after }: FileChange,
): Promise<boolean> {
  const was = before === null ? undefined : await position.version(path, before);
  if (was?.kind !== 'Project') return false;
  const is = after === null ? undefined : await position.version(path, after);
  // One that cannot be read takes nothing away: its last good rendering stands.
  if (is !== undefined && is.kind !== 'Project') return false;
  return lossOf(is ?? 'vanished', was) > lossOf(was, was);
}

/** 0: it runs or is stopped; 1: its data is kept; 2: the data goes too. What vanished keeps its data. */
function lossOf(is: StoredProject | 'vanished', was: StoredProject): number {
  const { state, purge } =
    is === 'vanished' ? { state: 'Deleted', purge: was.document.spec.purge } : is.document.spec;
  if (state !== 'Deleted') return 0;
  return purge === undefined ? 1 : 2;
}
