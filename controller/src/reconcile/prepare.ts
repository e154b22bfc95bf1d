import { setImmediate as nextTurn } from 'node:timers/promises';
import { documentAt, PLATFORM_PATH, type PlatformDocument } from '@fullstackagent/charts';
import type { StoredDocument, StoredProject } from '../intent/documents.js';
import type { ProjectKey } from '../model/intent.js';
import type { FileChange, LogEntry, Repository } from '../model/repository.js';
import {
  renderProjectFolder,
  renderTenantFolder,
  type Charts,
  type RenderedFolder,
  type Rendering,
} from '../render/index.js';
import type { MainPosition } from './main-position.js';
import { steer } from './platform-change.js';
import { isRemoval, removalsToHold } from './removal-guard.js';
import { APPROVES } from './rendered-message.js';
import type { Standing } from './standing.js';

export interface ProjectVersion {
  readonly key: ProjectKey;
  /** Blob id of its document. */
  readonly version: string;
}

/** A folder to be, and the project it belongs to (a tenant's belongs to none). */
export interface PreparedFolder extends RenderedFolder {
  readonly project?: ProjectVersion;
}

/** A document that could not be rendered: its last good rendering stands. */
export interface Refusal {
  readonly path: string;
  readonly message: string;
  readonly project?: ProjectVersion;
}

export interface PreparedDocuments {
  readonly folders: readonly PreparedFolder[];
  readonly refusals: readonly Refusal[];
}

export interface Prepared extends PreparedDocuments {
  readonly intent: LogEntry;
  /** Where rendering stands after it. */
  readonly standing: Standing;
  /** Set where removals of this commit are held back. */
  readonly holdsBackSince?: string | undefined;
  /** The intent commit whose removals were held back until this one. */
  readonly releases?: string | undefined;
}

export interface PrepareDeps {
  readonly charts: Charts;
  readonly repository: Pick<Repository, 'diff'>;
}

/** So many documents are rendered before others get a turn: rendering everything takes seconds. */
const RENDERED_AT_ONCE = 10;

/** Renders what one intent commit changed, from the documents as they stood at that commit. */
export async function prepare(deps: PrepareDeps, before: Standing, intent: LogEntry): Promise<Prepared> {
  const { documents } = before;
  const { changes, heirs } = await documents.advance(intent);
  const { platform, rollOut, renderAll: everything } = await steer(deps.charts, before, { intent, changes });
  const held = await removalsToHold(documents, changes, platform?.document);
  const approved = intent.trailers.get(APPROVES);
  const since = approved === undefined ? undefined : before.held.get(approved);
  const released =
    approved === undefined || since === undefined ? [] : await deps.repository.diff(since, approved);
  const wanted = everything
    ? await Promise.all(documents.paths().map((path) => documents.document(path)))
    : [
        ...(await documentsOf(documents, intent, without(changes, held))),
        ...(await Promise.all(heirs.map((path) => documents.document(path)))),
        ...(await stillRemoved(documents, intent, released)),
      ];
  const holdsBackSince = held.length === 0 ? undefined : intent.parent;
  const releases = since === undefined ? undefined : approved;
  return {
    intent,
    ...(await renderDocuments(deps.charts, { documents, platform: platform?.document }, wanted)),
    standing: {
      documents,
      platform,
      rollOut,
      held: heldAfter(before.held, { intent, holdsBackSince, releases }),
    },
    holdsBackSince,
    releases,
  };
}

function heldAfter(
  held: Standing['held'],
  { intent, holdsBackSince, releases }: Pick<Prepared, 'intent' | 'holdsBackSince' | 'releases'>,
): Standing['held'] {
  if (holdsBackSince === undefined && releases === undefined) return held;
  const after = new Map(held);
  if (releases !== undefined) after.delete(releases);
  if (holdsBackSince !== undefined) after.set(intent.commit, holdsBackSince);
  return after;
}

const without = (changes: readonly FileChange[], held: readonly FileChange[]): readonly FileChange[] => {
  const paths = new Set(held.map(({ path }) => path));
  return changes.filter(({ path }) => !paths.has(path));
};

/** The projects whose rendering is behind their document, because the document cannot be rendered. */
export async function refusalsAt(
  charts: Charts,
  { documents, platform }: Standing,
  isBehind: (key: ProjectKey, version: string) => boolean,
): Promise<readonly Refusal[]> {
  const behind: StoredProject[] = [];
  for (const path of documents.paths()) {
    const ref = documentAt(path);
    if (ref?.kind !== 'Project' || !isBehind(ref, documents.blobAt(path) ?? '')) continue;
    const document = await documents.document(path);
    if (document?.kind === 'Project') behind.push(document);
  }
  return (await renderDocuments(charts, { documents, platform: platform?.document }, behind)).refusals;
}

interface Ground {
  readonly documents: MainPosition;
  readonly platform: PlatformDocument | undefined;
}

export async function renderDocuments(
  charts: Charts,
  ground: Ground,
  wanted: readonly (StoredDocument | undefined)[],
): Promise<PreparedDocuments> {
  const folders: PreparedFolder[] = [];
  const refusals: Refusal[] = [];
  for (const [index, document] of wanted.entries()) {
    if (index % RENDERED_AT_ONCE === RENDERED_AT_ONCE - 1) await nextTurn();
    if (document === undefined) continue;
    const project = document.kind === 'Project' ? { project: projectAt(document) } : {};
    const rendering = renderDocument(charts, ground, document);
    if (rendering === undefined) continue;
    if ('folders' in rendering)
      folders.push(...rendering.folders.map((folder) => ({ ...folder, ...project })));
    else refusals.push({ path: document.path, message: rendering.problem, ...project });
  }
  return { folders, refusals };
}

async function documentsOf(
  position: MainPosition,
  intent: LogEntry,
  changes: readonly FileChange[],
): Promise<readonly (StoredDocument | undefined)[]> {
  return Promise.all(
    changes
      .filter(({ path }) => path !== PLATFORM_PATH)
      .map((change) =>
        change.after === null ? deletedProject(position, intent, change) : position.document(change.path),
      ),
  );
}

/** Of what was held back: what nobody put back meanwhile. */
async function stillRemoved(
  position: MainPosition,
  intent: LogEntry,
  released: readonly FileChange[],
): Promise<readonly (StoredDocument | undefined)[]> {
  const found: (StoredDocument | undefined)[] = [];
  for (const change of released) {
    if (!(await isRemoval(position, change))) continue;
    const now = await position.document(change.path);
    if (now === undefined) found.push(await deletedProject(position, intent, change));
    else if (now.kind === 'Project' && now.document.spec.state === 'Deleted') found.push(now);
  }
  return found;
}

/**
 * A project's document that vanished counts as Deleted: volume and database stay, as the last document said. Only a
 * purge takes them away. A tenant's objects stay as they are: removing a Namespace removes all in it.
 */
async function deletedProject(
  position: MainPosition,
  { at }: LogEntry,
  { path, before }: FileChange,
): Promise<StoredProject | undefined> {
  const last = before === null ? undefined : await position.version(path, before);
  if (last?.kind !== 'Project') return undefined;
  const { spec } = last.document;
  const deletedAt = spec.deletedAt ?? at.toISOString().replace(/\.\d+Z$/, 'Z');
  return { ...last, document: { ...last.document, spec: { ...spec, state: 'Deleted', deletedAt } } };
}

const projectAt = ({ document: { metadata }, version }: StoredProject): ProjectVersion => ({
  key: { namespace: metadata.namespace, name: metadata.name },
  version,
});

const addressFields = ({ document: { spec } }: StoredProject): string =>
  spec.release === undefined ? 'spec.host' : 'spec.host or spec.release.host';

function renderDocument(
  charts: Charts,
  { documents, platform }: Ground,
  document: StoredDocument,
): Rendering | undefined {
  if (document.kind === 'Platform') return undefined;
  if (document.kind === 'Unreadable') return { problem: document.message };
  if (platform === undefined) return { problem: 'There is no valid platform.yaml.' };
  if (document.kind === 'Tenant') return renderTenantFolder(charts, platform, document);
  const rival = documents.hostRival(document.path);
  if (rival !== undefined && document.document.spec.state !== 'Deleted')
    return {
      problem: `${addressFields(document)}: Another project of this installation has this address already.`,
    };
  return renderProjectFolder(charts, platform, document);
}
