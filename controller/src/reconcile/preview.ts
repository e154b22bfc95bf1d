import { isDeepStrictEqual } from 'node:util';
import { fromYaml } from '@fullstackagent/charts';
import type { FileDifference, PlanDto } from '../contract/plan.js';
import { AppError } from '../contract/errors.js';
import { storedDocument } from '../intent/documents.js';
import type { Edit } from '../model/intent.js';
import type { Repository, Snapshot } from '../model/repository.js';
import { folderEdits, type Charts } from '../render/index.js';
import { renderDocuments } from './prepare.js';
import type { Standing } from './standing.js';

export interface PreviewDeps {
  readonly repository: Pick<Repository, 'readBlobs'>;
  readonly charts: Charts;
  readonly standing: () => Standing | undefined;
  /** The tree of branch `rendered`. */
  readonly tree: () => Snapshot;
}

/** What edits on `main` would change there and on `rendered`, with the platform in force. Nothing is written. */
export async function preview(
  { repository, charts, standing: current, tree: currentTree }: PreviewDeps,
  edits: readonly Edit[],
): Promise<Omit<PlanDto, 'version'>> {
  const [standing, tree] = [current(), currentTree()];
  if (standing === undefined) throw new AppError('NOT_READY', 'Rendering has not begun yet. Try again.');
  const wanted = edits.map(({ path, content }) =>
    content === null ? undefined : storedDocument({ path, blob: UNWRITTEN, text: content }),
  );
  const ground = { documents: standing.documents, platform: standing.platform?.document };
  const { folders, refusals } = await renderDocuments(charts, ground, wanted);
  const blobOf = (path: string): string | undefined => standing.documents.blobAt(path);
  const manifests = await differences(
    repository,
    folders.flatMap((folder) => folderEdits(folder, tree)),
    (path) => tree.blobAt(path),
  );
  const problem = refusals[0]?.message;
  return {
    documents: await differences(repository, edits, blobOf),
    manifests: manifests.filter(differsInMoreThanVersion),
    restarts: manifests.some(restarts),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** What the document's version will be is known when it is written; nobody wants to read of it before. */
const UNWRITTEN = '0'.repeat(40);
const VERSION_LINE = /^\s*fullstackagent\.dev\/intent: .*\n/m;

const withoutVersion = (text: string | null): string | undefined => text?.replace(VERSION_LINE, '');
const differsInMoreThanVersion = ({ before, after }: FileDifference): boolean =>
  withoutVersion(before) !== withoutVersion(after);

async function differences(
  repository: Pick<Repository, 'readBlobs'>,
  edits: readonly Edit[],
  blobAt: (path: string) => string | undefined,
): Promise<FileDifference[]> {
  return Promise.all(
    edits.map(async ({ path, content }) => {
      const blob = blobAt(path);
      const [before] = blob === undefined ? [] : await repository.readBlobs([blob]);
      return { path, before: before?.toString('utf8') ?? null, after: content };
    }),
  );
}

/** A pod is replaced when its template changes; one that only starts or stops replaces nothing. */
function restarts({ path, before, after }: FileDifference): boolean {
  if (!/\/statefulset-[^/]+\.yaml$/.test(path) || before === null || after === null) return false;
  const [was, is] = [before, after].map((text) => fromYaml(text) as StatefulSetManifest);
  return (
    was?.spec.replicas !== 0 &&
    is?.spec.replicas !== 0 &&
    !isDeepStrictEqual(was?.spec.template, is?.spec.template)
  );
}

interface StatefulSetManifest {
  readonly spec: { readonly replicas: number; readonly template: unknown };
}
