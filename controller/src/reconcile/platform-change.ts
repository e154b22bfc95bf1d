import { setImmediate as nextTurn } from 'node:timers/promises';
import { PLATFORM_PATH, type PlatformDocument } from '@fullstackagent/charts';
import type { StoredDocument } from '../intent/documents.js';
import type { FileChange, LogEntry } from '../model/repository.js';
import { renderProjectFolder, renderTenantFolder, type Charts, type Rendering } from '../render/index.js';
import type { MainPosition } from './main-position.js';
import { APPROVES } from './rendered-message.js';
import type { PlatformInForce, RollOut, Standing } from './standing.js';

const COMPARED_AT_ONCE = 10;

export interface Course {
  readonly platform: PlatformInForce | undefined;
  readonly rollOut: RollOut | undefined;
  /** The first platform of all: everything that waited for one is rendered. */
  readonly renderAll: boolean;
}

/**
 * What an intent commit means for the platform in force. A changed `platform.yaml` that would change any manifest waits
 * for an approval; one that changes none is in force at once. Decided from the documents alone, so that rendering
 * everything again decides the same.
 */
export async function steer(
  charts: Charts,
  before: Standing,
  { intent, changes }: { intent: LogEntry; changes: readonly FileChange[] },
): Promise<Course> {
  const { documents, platform, rollOut } = before;
  const latest = documents.platform();
  if (platform === undefined || latest === undefined)
    return { platform: latest, rollOut: undefined, renderAll: latest !== undefined };
  if (changes.some(({ path }) => path === PLATFORM_PATH))
    return { ...(await changed(charts, { ...before, platform }, { intent, latest })), renderAll: false };
  const approved = rollOut?.state === 'waiting' && intent.trailers.get(APPROVES) === rollOut.commit;
  if (!approved) return { platform, rollOut, renderAll: false };
  const rolling: RollOut = { commit: rollOut.commit, state: 'rolling', through: '' };
  return { platform: latest, rollOut: rolling, renderAll: false };
}

async function changed(
  charts: Charts,
  { documents, platform, rollOut }: Standing & { readonly platform: PlatformInForce },
  { intent, latest }: { intent: LogEntry; latest: PlatformInForce },
): Promise<Omit<Course, 'renderAll'>> {
  const rolling = rollOut?.state === 'rolling';
  if (platform.version === latest.version) return { platform, rollOut: rolling ? rollOut : undefined };
  // Half-way through a roll-out manifests are of two versions: comparing the third with one says nothing of the other.
  const matters = rolling || (await changesManifests(charts, documents, [platform, latest]));
  return matters
    ? { platform, rollOut: { commit: intent.commit, state: 'waiting' } }
    : { platform: latest, rollOut: undefined };
}

/** Looks until it finds one: mostly that is the first. */
async function changesManifests(
  charts: Charts,
  documents: MainPosition,
  [before, after]: readonly [PlatformInForce, PlatformInForce],
): Promise<boolean> {
  for (const [index, path] of documents.paths().entries()) {
    if (index % COMPARED_AT_ONCE === COMPARED_AT_ONCE - 1) await nextTurn();
    const document = await documents.document(path);
    if (document === undefined) continue;
    const [was, is] = [before, after].map((one) => print(rendering(charts, one.document, document)));
    if (was !== is) return true;
  }
  return false;
}

/** With any platform, whatever is in force. */
export function rendering(
  charts: Charts,
  platform: PlatformDocument,
  document: StoredDocument,
): Rendering | undefined {
  if (document.kind === 'Tenant') return renderTenantFolder(charts, platform, document);
  return document.kind === 'Project' ? renderProjectFolder(charts, platform, document) : undefined;
}

const print = (one: Rendering | undefined): string =>
  one === undefined
    ? ''
    : 'folders' in one
      ? JSON.stringify(one.folders.map(({ folder, files }) => [folder, [...files]]))
      : one.problem;
