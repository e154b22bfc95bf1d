import { isUtf8 } from 'node:buffer';
import { mergeFile, type MergedFile } from '../intent/merge/index.js';
import type { Edit } from '../model/intent.js';
import type { FileChange, Repository, Snapshot, TakenFile } from '../model/repository.js';

/** A file that was changed on both sides, and not in one way: what is here stands. */
export interface Collision {
  readonly path: string;
  /** Blob ids; null: there is no file. */
  readonly base: string | null;
  readonly theirs: string | null;
  /** What the file would be if theirs counted; undefined where that is no text. */
  readonly proposed: string | null | undefined;
}

export interface MergedTrees {
  /** Files of theirs as they are. */
  readonly takes: readonly TakenFile[];
  /** Files that both changed, put together. */
  readonly edits: readonly Edit[];
  readonly collisions: readonly Collision[];
}

export interface MergeSource {
  readonly repository: Pick<Repository, 'diff' | 'readBlobs'>;
  /** Where the two parted; undefined: they have nothing in common. */
  readonly base: string | undefined;
  readonly theirs: string;
  /** Every file there, where there is no base. */
  readonly theirTree: Snapshot;
  readonly ours: Snapshot;
}

/** Larger files are no documents: they are taken or left as a whole. */
const TEXT_MAX_BYTES = 2 * 1024 * 1024;

/** Puts what others made of the files into ours. Nothing is written. Cost: what they changed. */
export async function mergeUpstream(source: MergeSource): Promise<MergedTrees> {
  const takes: TakenFile[] = [];
  const both: FileChange[] = [];
  for (const change of await changesOf(source)) {
    const here = source.ours.blobAt(change.path) ?? null;
    if (here === change.before) takes.push({ ...change, blob: change.after });
    else if (here !== change.after) both.push(change);
  }
  const edits: Edit[] = [];
  const collisions: Collision[] = [];
  for (const change of both) {
    const { merged, collision } = await mergeOne(source, change);
    if (merged !== undefined) edits.push({ path: change.path, content: merged });
    if (collision !== undefined) collisions.push(collision);
  }
  return { takes, edits, collisions };
}

async function changesOf({
  repository,
  base,
  theirs,
  theirTree,
}: MergeSource): Promise<readonly FileChange[]> {
  if (base !== undefined) return repository.diff(base, theirs);
  return [...theirTree.files()].map(({ path, blob }) => ({ path, before: null, after: blob }));
}

interface MergedOne {
  /** undefined: ours stays as it is. */
  readonly merged?: string | null;
  readonly collision?: Collision;
}

async function mergeOne(source: MergeSource, change: FileChange): Promise<MergedOne> {
  const { path, before, after } = change;
  const collision = { path, base: before, theirs: after, proposed: undefined };
  const sides = await textsOf(source, change);
  if (sides === undefined) return { collision };
  const [base, ours, theirs] = sides;
  const forUs = mergeFile({ path, base, ours, theirs });
  if (forUs.conflicts.length === 0) return { merged: forUs.content };
  const forThem: MergedFile = mergeFile({ path, base, ours: theirs, theirs: ours });
  return { merged: forUs.content, collision: { ...collision, proposed: forThem.content } };
}

type Texts = readonly [base: string | null, ours: string | null, theirs: string | null];

/** undefined where one of them is no text: a link, a submodule, bytes. */
async function textsOf(
  { repository, ours }: MergeSource,
  { path, before, after, mode }: FileChange,
): Promise<Texts | undefined> {
  if (mode !== undefined && mode !== EXECUTABLE) return undefined;
  const ids = [before, ours.blobAt(path) ?? null, after];
  const contents = await repository.readBlobs(ids.filter((id) => id !== null));
  if (!contents.every(isText)) return undefined;
  const texts = contents.map((content) => content.toString('utf8'));
  const [base = null, mine = null, theirs = null] = ids.map((id) =>
    id === null ? null : (texts.shift() ?? null),
  );
  return [base, mine, theirs];
}

const EXECUTABLE = '100755';

const isText = (content: Buffer): boolean =>
  content.length <= TEXT_MAX_BYTES && isUtf8(content) && !content.includes(0);
