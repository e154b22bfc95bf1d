import { AppError } from '../contract/errors.js';
import type {
  Branch,
  CommitDraft,
  JoiningDraft,
  LogEntry,
  Projection,
  Snapshot,
  Written,
} from '../model/repository.js';
import type { Disk } from './disk.js';
import { storageFailure } from './failures.js';
import { composeChange, composeGroup, type BranchState, type Group } from './group.js';
import type { GitObject } from './object.js';
import { compareAndSwap, readRef, type Swap } from './refs.js';
import { settleNames } from './settle.js';
import { TreeIndex } from './tree-index.js';

/** What a branch needs of its repository. */
export interface BranchDeps<View> {
  readonly gitDir: string;
  readonly disk: Disk;
  /** Full name: `refs/heads/main`. */
  readonly ref: string;
  readonly projection: Projection<View>;
  readonly store: (objects: readonly GitObject[]) => Promise<void>;
  readonly treeAt: (commit: string) => Promise<TreeIndex>;
  readonly isAncestor: (commit: string, descendant: string) => Promise<boolean>;
  /** The line of first parents from `before` (exclusive) to `after`, oldest first. */
  readonly commitsBetween: (before: string | undefined, after: string) => Promise<readonly string[]>;
  /** After each durable group. */
  readonly onWritten: (commits: readonly LogEntry[]) => void;
  /** A listener threw: that is its own fault and never the writer's. */
  readonly onListenerError: (error: unknown) => void;
}

interface Task<View> {
  readonly decide: (view: View) => CommitDraft;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** A pack of so many changes is still small, and nobody in it waits long. */
const GROUP_MAX = 128;
/** How often somebody else may move the branch under one group before it gives up. */
const ATTEMPTS = 5;

/**
 * One branch, one writer. Changes that wait while a write is under way become the next group: one pack, one move of the
 * ref, one set of fsyncs, and still a commit each.
 */
export class BranchWriter<View> implements Branch<View> {
  #state: BranchState = { tip: undefined, tree: TreeIndex.empty() };
  #waiting: Task<View>[] = [];
  /** Everything that touches the branch runs in this one line. Never rejects. */
  #line: Promise<void> = Promise.resolve();
  /** After a failed write the ref may have moved or not: look before the next one. */
  #uncertain = true;
  readonly #listeners = new Set<(commits: readonly string[]) => void>();

  private constructor(private readonly deps: BranchDeps<View>) {}

  static async open<View>(deps: BranchDeps<View>): Promise<BranchWriter<View>> {
    const writer = new BranchWriter(deps);
    await writer.refresh();
    return writer;
  }

  tip(): string | undefined {
    return this.#state.tip;
  }

  snapshot(): Snapshot {
    return this.#state.tree;
  }

  submit(decide: (view: View) => CommitDraft): Promise<Written> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ decide, resolve, reject });
      // One turn for each group: the first of it takes along all that came while the line was busy.
      if (this.#waiting.length === 1) void this.#inLine(() => this.#writeWaiting());
    });
  }

  async moveBy(choose: Parameters<Branch<View>['moveBy']>[0]): Promise<string | undefined> {
    let reached: string | undefined;
    await this.#inLine(async () => {
      await this.#follow();
      const move = await choose({ tip: this.#state.tip, snapshot: this.#state.tree });
      if (move === undefined) return;
      const moved = 'to' in move ? await this.#moveTo(move.to) : await this.#join(move.draft);
      await this.#follow();
      reached = moved ? this.#state.tip : undefined;
    });
    return reached;
  }

  async refresh(): Promise<void> {
    await this.#inLine(() => this.#follow());
  }

  onMoved(listener: (commits: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers when everything handed in so far is durable or refused. */
  async idle(): Promise<void> {
    await this.#inLine(() => Promise.resolve());
  }

  #inLine(work: () => Promise<void>): Promise<void> {
    const done = this.#line.then(work);
    this.#line = done.catch(() => undefined);
    return done;
  }

  async #writeWaiting(): Promise<void> {
    const tasks = this.#waiting.splice(0, GROUP_MAX);
    // More than one group was waiting: the next one is right behind.
    if (this.#waiting.length > 0) void this.#inLine(() => this.#writeWaiting());
    let group: Group;
    try {
      group = await this.#write(tasks);
    } catch (error) {
      const failure = storageFailure('The change could not be stored.', error);
      for (const { reject } of tasks) reject(failure);
      return;
    }
    // Durable: whatever goes wrong from here on, nobody is told otherwise.
    this.#tell(group.commits);
    group.outcomes.forEach((outcome, index) => {
      if ('written' in outcome) tasks[index]?.resolve(outcome.written);
      else tasks[index]?.reject(outcome.refused);
    });
  }

  async #write(tasks: readonly Task<View>[]): Promise<Group> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (this.#uncertain) await this.#follow();
      const group = composeGroup(
        this.#state,
        tasks.map(({ decide }) => decide),
        this.deps.projection,
      );
      if (await this.#makeDurable(group)) return group;
    }
    throw new AppError('STORAGE_UNAVAILABLE', 'Another program keeps moving the branch. Try again.');
  }

  /** False where somebody else moved the branch first. */
  async #makeDurable(group: Group): Promise<boolean> {
    const { gitDir, ref, projection } = this.deps;
    let durable = false;
    try {
      // What was decided against an old tip is no answer, even where it comes to writing nothing.
      durable =
        group.commits.length === 0
          ? (await readRef(gitDir, ref)) === this.#state.tip
          : await this.#storeAndSwap(group);
      return durable;
    } finally {
      projection.settle(durable ? 'durable' : 'lost');
      if (durable) this.#state = group.state;
      this.#uncertain = !durable;
    }
  }

  async #storeAndSwap({ objects, state, joins }: Group): Promise<boolean> {
    const { gitDir, disk, store } = this.deps;
    if (joins) await settleNames(gitDir, disk);
    return this.#swap({ next: state.tip ?? '', objects: () => store(objects) });
  }

  async #moveTo(commit: string): Promise<boolean> {
    const { gitDir, disk, isAncestor } = this.deps;
    const expected = this.#state.tip;
    if (expected !== undefined && !(await isAncestor(expected, commit))) return false;
    this.#uncertain = true;
    await settleNames(gitDir, disk);
    return this.#swap({ next: commit });
  }

  /** Documents are taken as they are: the projection reads them afterwards, as it does whatever came another way. */
  async #join(draft: JoiningDraft): Promise<boolean> {
    const { gitDir, disk, store } = this.deps;
    const change = composeChange(this.#state, draft);
    if (change === undefined) return false;
    this.#uncertain = true;
    await settleNames(gitDir, disk);
    return this.#swap({ next: change.entry.commit, objects: () => store(change.objects) });
  }

  async #swap(to: Pick<Swap, 'next' | 'objects'>): Promise<boolean> {
    const { gitDir, disk, ref } = this.deps;
    return (await compareAndSwap(gitDir, { ...to, ref, expected: this.#state.tip }, disk)).swapped;
  }

  async #follow(): Promise<void> {
    const { gitDir, disk, ref, treeAt, projection, commitsBetween } = this.deps;
    const actual = await readRef(gitDir, ref);
    if (actual !== this.#state.tip) {
      await settleNames(gitDir, disk);
      const before = this.#state.tip;
      const tree = actual === undefined ? TreeIndex.empty() : await treeAt(actual);
      await projection.reload(tree);
      this.#state = { tip: actual, tree };
      if (actual !== undefined) this.#tellListeners(await commitsBetween(before, actual));
    }
    this.#uncertain = false;
  }

  #tell(commits: readonly LogEntry[]): void {
    if (commits.length === 0) return;
    this.deps.onWritten(commits);
    this.#tellListeners(commits.map(({ commit }) => commit));
  }

  #tellListeners(commits: readonly string[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(commits);
      } catch (error) {
        this.deps.onListenerError(error);
      }
    }
  }
}
