import type { Logger } from 'pino';
import { keyOf, refOf, type ObjectRef } from '../store/object.js';
import type { Store } from '../store/store.js';
import type { Folder } from './folders.js';
import { ManifestError, readManifests } from './manifests.js';
import { RefWatcher } from './ref-watcher.js';
import { ApplierReports } from './reports.js';
import type { RenderedBranch } from './rendered-branch.js';

export interface ApplierOptions {
  readonly branch: RenderedBranch;
  readonly store: Store;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

const PRUNE = 'kustomize.toolkit.fluxcd.io/prune';

/**
 * Follows branch `rendered` as Flux would: one Kustomization a folder, applied, pruned, and its status says which commit
 * is in force. A folder that cannot be applied never holds up another.
 */
export class Applier {
  readonly #watcher: RefWatcher;
  readonly #reports: ApplierReports;
  #applied: string | undefined;
  #failed = new Map<string, Folder>();
  #waiting = false;
  #stopped = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(private readonly options: ApplierOptions) {
    this.#reports = new ApplierReports(options.store, options.now);
    this.#watcher = new RefWatcher(options.branch.refFile, () => {
      this.#wake();
    });
  }

  start(): void {
    this.#watcher.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher.stop();
    await this.#idle;
    this.options.branch.close();
  }

  /** One look at a time; being woken meanwhile is one more look afterwards. */
  #wake(): void {
    if (this.#waiting || this.#stopped) return;
    this.#waiting = true;
    this.#idle = this.#idle.then(async () => {
      this.#waiting = false;
      await this.#follow().catch((error: unknown) => {
        this.options.log.error({ err: error }, 'the rendered branch cannot be followed');
      });
    });
  }

  async #follow(): Promise<void> {
    const { branch } = this.options;
    const tip = await branch.tip();
    if (tip === undefined || (tip === this.#applied && this.#failed.size === 0)) return;
    const folders = tip === this.#applied ? [] : await this.#changed(tip);
    const all = new Map([
      ...this.#failed,
      ...folders.map((folder): [string, Folder] => [folder.path, folder]),
    ]);
    this.#failed = new Map();
    // Tenants first: their Namespace is where the projects' objects go.
    const ordered = [...all.values()].sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'tenant' ? -1 : 1));
    for (const folder of ordered) await this.#applyFolder(folder, tip);
    this.#applied = tip;
    this.#reports.source(tip);
  }

  /** A branch that was rewritten or lost is read as a whole; so is the first look at it. */
  async #changed(tip: string): Promise<readonly Folder[]> {
    const { branch, log } = this.options;
    if (this.#applied === undefined) return branch.changedFolders(undefined, tip);
    try {
      return await branch.changedFolders(this.#applied, tip);
    } catch (error) {
      log.warn({ err: error }, 'the last applied commit is gone; reading the whole branch');
      return branch.changedFolders(undefined, tip);
    }
  }

  async #applyFolder(folder: Folder, commit: string): Promise<void> {
    const { branch, store, log } = this.options;
    try {
      const manifests = readManifests(folder, await branch.files(commit, folder.path));
      const inventory = manifests.map(refOf);
      for (const manifest of manifests) store.apply(manifest);
      this.#prune(folder, inventory);
      if (manifests.length === 0) this.#reports.forget(folder);
      else this.#reports.folder(folder, { commit, inventory });
    } catch (error) {
      const message = error instanceof ManifestError ? error.message : 'The folder could not be read.';
      log.error({ err: error, folder: folder.path, commit }, 'apply failed');
      this.#failed.set(folder.path, folder);
      this.#reports.folder(folder, { commit, error: message });
    }
  }

  /** What the folder held before and does not hold now, unless it says that it stays. */
  #prune(folder: Folder, inventory: readonly ObjectRef[]): void {
    const { store, log } = this.options;
    const kept = new Set(inventory.map(keyOf));
    for (const ref of this.#reports.inventory(folder)) {
      const object = store.get(ref);
      if (object === undefined || kept.has(keyOf(ref)) || object.metadata.annotations?.[PRUNE] === 'disabled')
        continue;
      log.info({ ref }, 'pruned');
      store.remove(ref);
    }
  }
}
