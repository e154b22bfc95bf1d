import { setImmediate as nextTurn } from 'node:timers/promises';
import { documentAt, PLATFORM_PATH, type PlatformDocument } from '@fullstackagent/charts';
import type { StoredDocument, StoredProject } from '../intent/documents.js';
import type { ProjectKey } from '../model/intent.js';
import type { FileChange, LogEntry } from '../model/repository.js';
import {
  renderProjectFolder,
  renderTenantFolder,
  type Charts,
  type RenderedFolder,
  type Rendering,
} from '../render/index.js';
import type { MainPosition } from './main-position.js';

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

export interface Prepared {
  readonly intent: LogEntry;
  readonly folders: readonly PreparedFolder[];
  readonly refusals: readonly Refusal[];
}

/** So many documents are rendered before others get a turn: rendering everything takes seconds. */
const RENDERED_AT_ONCE = 10;

/** Renders what one intent commit changed, from the documents as they stood at that commit. */
export async function prepare(charts: Charts, position: MainPosition, intent: LogEntry): Promise<Prepared> {
  const changes = await position.advance(intent);
  const documents = await documentsToRender(position, intent, changes);
  return { intent, ...(await renderAll(charts, position.platform(), documents)) };
}

/** The projects whose rendering is behind their document, because the document cannot be rendered. */
export async function refusalsAt(
  charts: Charts,
  position: MainPosition,
  isBehind: (key: ProjectKey, version: string) => boolean,
): Promise<readonly Refusal[]> {
  const behind: StoredProject[] = [];
  for (const path of position.paths()) {
    const ref = documentAt(path);
    if (ref?.kind !== 'Project' || !isBehind(ref, position.blobAt(path) ?? '')) continue;
    const document = await position.document(path);
    if (document?.kind === 'Project') behind.push(document);
  }
  return (await renderAll(charts, position.platform(), behind)).refusals;
}

async function renderAll(
  charts: Charts,
  platform: PlatformDocument | undefined,
  documents: readonly StoredDocument[],
): Promise<Omit<Prepared, 'intent'>> {
  const folders: PreparedFolder[] = [];
  const refusals: Refusal[] = [];
  for (const [index, document] of documents.entries()) {
    if (index % RENDERED_AT_ONCE === RENDERED_AT_ONCE - 1) await nextTurn();
    const project = document.kind === 'Project' ? { project: projectAt(document) } : {};
    const rendering = renderDocument(charts, platform, document);
    if (rendering === undefined) continue;
    if ('rendered' in rendering) folders.push({ ...rendering.rendered, ...project });
    else refusals.push({ path: document.path, message: rendering.problem, ...project });
  }
  return { folders, refusals };
}

/** What `platform.yaml` says is in every rendering. For now all of it is one commit; a roll-out in slices comes later. */
async function documentsToRender(
  position: MainPosition,
  intent: LogEntry,
  changes: readonly FileChange[],
): Promise<readonly StoredDocument[]> {
  const everything = changes.some(({ path }) => path === PLATFORM_PATH);
  const vanished = changes.filter(({ after }) => after === null);
  const paths = everything
    ? position.paths()
    : changes.filter(({ after }) => after !== null).map(({ path }) => path);
  const found = await Promise.all([
    ...paths.map((path) => position.document(path)),
    ...vanished.map((change) => deletedProject(position, intent, change)),
  ]);
  return found.filter((document) => document !== undefined);
}

/**
 * A project's document that vanished counts as Deleted: volume and database stay, as the last document said.
 * Only a purge (later) takes them away. A tenant's objects stay as they are: removing a Namespace removes all in it.
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

function renderDocument(
  charts: Charts,
  platform: PlatformDocument | undefined,
  document: StoredDocument,
): Rendering | undefined {
  if (document.kind === 'Platform') return undefined;
  if (document.kind === 'Unreadable') return { problem: document.message };
  if (platform === undefined) return { problem: 'There is no valid platform.yaml.' };
  return document.kind === 'Project'
    ? renderProjectFolder(charts, platform, document)
    : renderTenantFolder(charts, platform, document);
}
