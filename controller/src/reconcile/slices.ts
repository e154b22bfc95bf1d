import type { Edit, ProjectKey } from '../model/intent.js';
import type { Snapshot } from '../model/repository.js';
import type { Charts } from '../render/index.js';
import { changeOf, type FolderChange } from './folder-change.js';
import { renderDocuments, type Refusal, type ProjectVersion } from './prepare.js';
import type { Standing } from './standing.js';

/** What the cluster makes of a project: settled as wanted, still on its way, or failed (and why). */
export type ProjectHealth =
  | { readonly state: 'settled' }
  | { readonly state: 'moving' }
  | { readonly state: 'failed'; readonly message: string };

export interface Slice extends FolderChange {
  readonly refusals: readonly Refusal[];
  /** The last document that was looked at; undefined: there is none behind it. */
  readonly through: string | undefined;
}

/** The first is one project, the next are few; where they do well, a tenth of the installation at a time. */
function sliceSize(done: number, total: number): number {
  if (done === 0) return 1;
  const tenth = Math.max(10, Math.ceil(total / 10));
  return done < tenth ? 5 : tenth;
}

/** The next documents, by path, whose manifests differ from what is on `rendered`. */
export async function nextSlice(
  charts: Charts,
  { documents, platform }: Standing,
  { through, tree }: { through: string; tree: Snapshot },
): Promise<Slice> {
  const paths = documents.paths();
  const rest = paths.filter((path) => path > through);
  const size = sliceSize(paths.length - rest.length, paths.length);
  const edits: Edit[] = [];
  const touched: ProjectVersion[] = [];
  const refusals: Refusal[] = [];
  const folders: string[] = [];
  let changed = 0;
  for (const path of rest) {
    const rendered = await renderDocuments(charts, { documents, platform: platform?.document }, [
      await documents.document(path),
    ]);
    refusals.push(...rendered.refusals);
    const change = changeOf(rendered.folders, tree);
    if (change.edits.length > 0) changed += 1;
    edits.push(...change.edits);
    touched.push(...change.touched);
    folders.push(...change.folders);
    if (changed >= size) return { edits, touched, folders, refusals, through: path };
  }
  return { edits, touched, folders, refusals, through: undefined };
}

/** The slice that was rolled out last, until its projects have settled. */
export class SliceWatch {
  #watched: readonly ProjectKey[] = [];
  /** Failed before the slice reached them, or an operator said to go on. */
  #excused = new Set<string>();
  #failed: { readonly key: ProjectKey; readonly message: string } | undefined;

  constructor(private readonly health: (key: ProjectKey) => ProjectHealth) {}

  watch(keys: readonly ProjectKey[]): void {
    this.#watched = keys;
  }

  /** Before a slice is written: what is broken already says nothing about it. */
  excuseFailing(keys: readonly ProjectKey[]): void {
    this.#excused = new Set(keys.filter((key) => this.health(key).state === 'failed').map(idOf));
    this.#failed = undefined;
  }

  /** An operator saw what failed, and goes on. */
  goOn(): void {
    for (const key of this.#watched) this.#excused.add(idOf(key));
    this.#failed = undefined;
  }

  look(): ProjectHealth['state'] {
    const states = this.#watched
      .filter((key) => !this.#excused.has(idOf(key)))
      .map((key) => ({ key, health: this.health(key) }));
    for (const { key, health } of states)
      if (health.state === 'failed') {
        this.#failed = { key, message: health.message };
        return 'failed';
      }
    this.#failed = undefined;
    return states.some(({ health }) => health.state === 'moving') ? 'moving' : 'settled';
  }

  failed(): { readonly key: ProjectKey; readonly message: string } | undefined {
    return this.#failed;
  }
}

const idOf = ({ namespace, name }: ProjectKey): string => `${namespace}/${name}`;
