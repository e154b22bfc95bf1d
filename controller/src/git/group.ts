import { AppError } from '../contract/errors.js';
import type { Edit } from '../model/intent.js';
import type {
  CommitDraft,
  JoiningDraft,
  LogEntry,
  Projection,
  StagedFile,
  Written,
} from '../model/repository.js';
import { blob, encodeCommit, type GitObject } from './object.js';
import { logEntryOf } from './recent-commits.js';
import type { TreeIndex } from './tree-index.js';

/** A branch at one commit. */
export interface BranchState {
  readonly tip: string | undefined;
  readonly tree: TreeIndex;
}

/** What became of one change of a group, once the group is durable. */
export type Outcome = { readonly written: Written } | { readonly refused: unknown };

/** Several changes that become durable together, each with its own commit. Nothing is written yet. */
export interface Group {
  readonly state: BranchState;
  readonly objects: readonly GitObject[];
  /** The new commits, oldest first. */
  readonly commits: readonly LogEntry[];
  readonly outcomes: readonly Outcome[];
  /** True where a commit has a second parent, which somebody else wrote. */
  readonly joins: boolean;
}

/** Decides each change against the state that the ones before it left. A refused change leaves no trace. */
export function composeGroup<View>(
  start: BranchState,
  decisions: readonly ((view: View) => CommitDraft)[],
  projection: Projection<View>,
): Group {
  let state = start;
  const objects: GitObject[] = [];
  const commits: LogEntry[] = [];
  let joins = false;
  const outcomes = decisions.map((decide): Outcome => {
    try {
      const draft = decide(projection.working(state.tree));
      const next = composeChange(state, draft);
      if (next === undefined) return { written: { commit: state.tip ?? '', changed: false } };
      projection.stage(next.files, draft.joins !== undefined);
      // One by one: a change can have more objects than a call can have arguments.
      for (const object of next.objects) objects.push(object);
      commits.push(next.entry);
      joins ||= draft.joins !== undefined;
      state = { tip: next.entry.commit, tree: next.tree };
      return { written: { commit: next.entry.commit, changed: true } };
    } catch (refused) {
      return { refused };
    }
  });
  return { state, objects, commits, outcomes, joins };
}

/** One commit, as it will be. Nothing is written yet. */
export interface Change {
  readonly entry: LogEntry;
  readonly tree: TreeIndex;
  readonly objects: readonly GitObject[];
  readonly files: readonly StagedFile[];
}

/** undefined where the draft changes nothing and means nothing. Throws VALIDATION_FAILED for what is no tree. */
export function composeChange(
  { tip, tree }: BranchState,
  draft: CommitDraft & Partial<Pick<JoiningDraft, 'takes'>>,
): Change | undefined {
  const { files, blobs } = changedFiles(tree, draft.edits);
  const edited = tree.edit([...files, ...(draft.takes ?? [])]);
  const unchanged = edited.tree.id === tree.id;
  const meansNothing = unchanged && draft.joins === undefined && draft.evenIfUnchanged !== true;
  if (meansNothing && tip !== undefined) return undefined;
  const parents = [tip, draft.joins].filter((parent) => parent !== undefined);
  const commit = encodeCommit({ ...draft, tree: edited.tree.id, parents });
  // The root of an unchanged tree is stored already, except where it is the empty one of a new branch.
  const root = unchanged && tip === undefined ? [tree.rootObject()] : [];
  const changes = files.map(({ path, blob: after }) => ({ path, before: tree.blobAt(path) ?? null, after }));
  return {
    entry: logEntryOf({ commit: commit.id, parent: tip, draft, files: changes }),
    tree: edited.tree,
    objects: [...blobs, ...edited.objects, ...root, commit],
    files,
  };
}

interface ChangedFiles {
  readonly files: readonly StagedFile[];
  readonly blobs: readonly GitObject[];
}

/** The last edit of a path counts; one that says what is there already is none. */
function changedFiles(tree: TreeIndex, edits: readonly Edit[]): ChangedFiles {
  const files: StagedFile[] = [];
  const blobs: GitObject[] = [];
  for (const [path, content] of new Map(edits.map((edit) => [edit.path, edit.content]))) {
    const object = content === null ? undefined : textBlob(path, content);
    if (tree.blobAt(path) === object?.id) continue;
    files.push({ path, content, blob: object?.id ?? null });
    if (object !== undefined) blobs.push(object);
  }
  return { files, blobs };
}

function textBlob(path: string, content: string): GitObject {
  if (content.isWellFormed()) return blob(content);
  throw new AppError(
    'VALIDATION_FAILED',
    `What would be written to ${JSON.stringify(path)} is no valid text.`,
  );
}
