import type { Edit } from '../model/intent.js';
import type { Snapshot } from '../model/repository.js';
import { folderEdits } from '../render/index.js';
import type { PreparedFolder, ProjectVersion } from './prepare.js';

/** What rendered folders change in a tree. */
export interface FolderChange {
  readonly edits: readonly Edit[];
  /** The folders that are not as they were. */
  readonly folders: readonly string[];
  /** The projects whose manifests change, each once: in its own folder, or in that of its applier's object. */
  readonly touched: readonly ProjectVersion[];
}

export function changeOf(prepared: readonly PreparedFolder[], tree: Snapshot): FolderChange {
  const changes = prepared
    .map(({ project, ...folder }) => ({ project, folder: folder.folder, edits: folderEdits(folder, tree) }))
    .filter(({ edits }) => edits.length > 0);
  const touched = new Map(
    changes.flatMap(({ project }) => {
      if (project === undefined) return [];
      return [[`${project.key.namespace}/${project.key.name}`, project] as const];
    }),
  );
  return {
    edits: changes.flatMap(({ edits }) => edits),
    folders: changes.map(({ folder }) => folder),
    touched: [...touched.values()],
  };
}
