import type { Edit } from '../model/intent.js';
import type { Snapshot } from '../model/repository.js';

/** Everything that belongs into one folder of `rendered`: path below the repository's root -> content. */
export interface RenderedFolder {
  readonly folder: string;
  readonly files: ReadonlyMap<string, string>;
}

/**
 * What is missing for the folder to hold these files and no others: what is gone from the chart is gone from the tree.
 * Empty where nothing is.
 */
export function folderEdits({ folder, files }: RenderedFolder, tree: Snapshot): readonly Edit[] {
  const wanted = new Map([...files].map(([name, content]) => [`${folder}/${name}`, content]));
  const written = [...wanted].filter(([path, content]) => !tree.holds(path, content));
  const stale = [...tree.files(folder)].filter(({ path }) => !wanted.has(path));
  return [
    ...written.map(([path, content]) => ({ path, content })),
    ...stale.map(({ path }) => ({ path, content: null })),
  ];
}
