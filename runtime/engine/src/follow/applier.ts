import type { Logger } from 'pino';
import { fullDisk } from '../files/durable.js';
import { keyOf, refOf, type KubeObject, type Manifest, type ObjectRef } from '../store/object.js';
import type { Store } from '../store/store.js';
import type { Folder } from './folders.js';
import { isLasting, type LastingObjects } from './lasting-objects.js';
import { ManifestError, readManifests } from './manifests.js';
import { UnreadableError } from './object-reader.js';
import { RefWatcher } from './ref-watcher.js';
import { ApplierReports } from './reports.js';
import type { RenderedBranch } from './rendered-branch.js';

export interface ApplierOptions {
  readonly branch: RenderedBranch;
  readonly store: Store;
  readonly lasting: LastingObjects;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

const PRUNE = 'kustomize.toolkit.fluxcd.io/prune';
/** Something of this name is on its way out; the new one has to wait for that. */
class StillDeletedError extends Error {
  override readonly name = 'StillDeletedError';
}
/** What could not be read may be readable later; what is wrong stays wrong until the branch moves. */
const RETRY_MS = 10_000;

/**
 * Follows branch `rendered` as Flux would: one Kustomization a folder, applied, pruned, and its status says which commit
 * is in force. A folder that cannot be applied never holds up another.
 */
export class Applier {
  readonly #watcher: RefWatcher;
  readonly #reports: ApplierReports;
  #applied: string | undefined;
  #again = new Map<string, Folder>();
  /** By the monotonic clock: one that is set back would put it off. */
  #retryAt = 0;
  #trouble: string | undefined;
  #waiting = false;
  #stopped = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(private readonly options: ApplierOptions) {
    this.#reports = new ApplierReports(options.store, options.now);
    this.#watcher = new RefWatcher(options.branch.refFile, () => {
      this.#wake();
    });
    options.store.onChange(({ type, object }) => {
      if (type === 'DELETED' && isLasting(object)) this.#forget(object);
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
      try {
        await this.#follow();
        this.#trouble = undefined;
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** Said once, not every two seconds. */
  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : 'unknown error';
    if (message === this.#trouble) return;
    this.#trouble = message;
    this.options.log.error({ err: error }, 'the rendered branch cannot be followed');
    const said = error instanceof UnreadableError ? message : 'The repository could not be read.';
    this.#reports.sourceFailed(`${said} The next look is in two seconds.`);
  }

  async #follow(): Promise<void> {
    const tip = await this.options.branch.tip();
    if (tip === undefined) {
      this.#demandNothingApplied();
      return;
    }
    const isTime = performance.now() >= this.#retryAt;
    const again = isTime ? [...this.#again.values()] : [];
    if (tip === this.#applied && again.length === 0) {
      if (this.#trouble !== undefined) this.#reports.source(tip);
      return;
    }
    const changed = await this.#changed(tip);
    const folders = new Map([...again, ...changed].map((folder) => [folder.path, folder]));
    for (const folder of tenantsFirst([...folders.values()]))
      if (!this.#stopped) await this.#applyFolder(folder, tip);
    if (this.#stopped) return;
    this.#applied = tip;
    this.#reports.source(tip);
  }

  /** Without a branch: before its first commit there is nothing to say. Later, it is no word to delete anything. */
  #demandNothingApplied(): void {
    if (this.#applied !== undefined)
      throw new UnreadableError('Branch rendered is gone; what was applied stays until it is back.');
  }

  /** The first look is at everything, and so is the look at a branch that was rewritten or lost. */
  async #changed(tip: string): Promise<readonly Folder[]> {
    const { branch, log } = this.options;
    if (tip === this.#applied) return [];
    if (this.#applied === undefined) return this.#everything(tip);
    try {
      return await branch.changedFolders(this.#applied, tip);
    } catch (error) {
      log.warn({ err: error }, 'the branch does not go on from the last applied commit; reading all of it');
      return this.#everything(tip);
    }
  }

  /** What the branch has, and what was applied before, since it may have gone. */
  async #everything(tip: string): Promise<readonly Folder[]> {
    const { branch, lasting } = this.options;
    const here = await branch.changedFolders(undefined, tip);
    return [...this.#reports.folders(), ...lasting.folders(), ...here];
  }

  async #applyFolder(folder: Folder, commit: string): Promise<void> {
    const { branch, log } = this.options;
    this.#again.delete(folder.path);
    try {
      const read = readManifests(folder, await branch.files(commit, folder.path));
      const manifests = read.map((manifest) => ownedBy(folder, manifest));
      const inventory = manifests.map(refOf);
      await this.#apply(folder, manifests);
      if (manifests.length === 0) this.#reports.forget(folder);
      else this.#reports.folder(folder, { commit, inventory });
    } catch (error) {
      log.error({ err: error, folder: folder.path, commit }, 'apply failed');
      if (!(error instanceof ManifestError)) {
        this.#again.set(folder.path, folder);
        const pause = error instanceof StillDeletedError ? 0 : RETRY_MS;
        this.#retryAt = performance.now() + pause;
      }
      this.#reports.folder(folder, { commit, error: saidOf(error) });
    }
  }

  /** What holds data is written down before it comes to be. */
  async #apply(folder: Folder, manifests: readonly Manifest[]): Promise<void> {
    const { store, lasting } = this.options;
    const leaving = manifests.find((manifest) => isLeaving(store.get(refOf(manifest))));
    if (leaving !== undefined)
      throw new StillDeletedError(`${leaving.kind} ${leaving.metadata.name} is still being deleted.`);
    const kept = new Set(manifests.map((manifest) => keyOf(refOf(manifest))));
    const before = lasting.of(folder).filter((manifest) => !kept.has(keyOf(refOf(manifest))));
    const now = manifests.filter(isLasting);
    await lasting.set(folder, [...now, ...before]);
    // An earlier life of the engine applied these; on a cluster they would still be there.
    for (const manifest of before) if (store.get(refOf(manifest)) === undefined) store.apply(manifest);
    for (const manifest of manifests) store.apply(manifest);
    this.#prune([...this.#reports.inventory(folder), ...before.map(refOf)], kept);
  }

  /** Not before its data is gone: a crash in between would leave the data to the next of this name. */
  #forget(object: KubeObject): void {
    const { lasting, log } = this.options;
    this.#idle = this.#idle
      .then(() => lasting.remove(refOf(object)))
      .catch((error: unknown) => {
        log.error({ err: error }, 'what was deleted could not be forgotten');
      });
  }

  /** What the folder held before and does not hold now, unless it says that it stays. */
  #prune(inventory: readonly ObjectRef[], kept: ReadonlySet<string>): void {
    const { store, log } = this.options;
    for (const ref of inventory) {
      const object = store.get(ref);
      if (object === undefined || kept.has(keyOf(ref)) || object.metadata.annotations?.[PRUNE] === 'disabled')
        continue;
      log.info({ ref }, 'pruned');
      // Who keeps the data removes the object when the data is gone.
      if (isLasting(object)) store.markDeleted(ref, 0);
      else store.remove(ref);
    }
  }
}

/** With the labels by which Flux marks what a Kustomization applied. */
const ownedBy = ({ name, namespace }: Folder, manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    labels: {
      ...manifest.metadata.labels,
      'kustomize.toolkit.fluxcd.io/name': name,
      'kustomize.toolkit.fluxcd.io/namespace': namespace,
    },
  },
});

/** A tenant's Namespace is where the projects' objects go. */
const tenantsFirst = (folders: readonly Folder[]): readonly Folder[] => [
  ...folders.filter(({ kind }) => kind === 'tenant'),
  ...folders.filter(({ kind }) => kind === 'project'),
];

const isLeaving = (object: KubeObject | undefined): boolean =>
  object?.metadata.deletionTimestamp !== undefined;

/** What was written for a person; the rest is in the log. */
const saidOf = (error: unknown): string =>
  error instanceof ManifestError || error instanceof StillDeletedError || error instanceof UnreadableError
    ? error.message
    : (fullDisk(error) ?? 'The folder could not be applied.');
