import { documentAt } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { StoredDocument } from '../intent/documents.js';
import type { ProjectKey } from '../model/intent.js';
import type { Branch, CommitDraft, LogEntry, Repository, Snapshot } from '../model/repository.js';
import type { Charts } from '../render/index.js';
import { adopt } from './adopt.js';
import { changeOf, type FolderChange } from './folder-change.js';
import { MainPosition } from './main-position.js';
import type { Outcome } from './outcome.js';
import { prepare, refusalsAt, type Prepared, type Refusal } from './prepare.js';
import type { RenderedIndex } from './rendered-index.js';
import { APPROVES, renderedCommit, sliceCommit } from './rendered-message.js';
import { nextSlice, SliceWatch, type ProjectHealth } from './slices.js';
import type { RollOut, Standing } from './standing.js';
import { whereItStopped, type StoppedAt } from './where-it-stopped.js';

/** What the reconciler needs of the intent store. */
export interface IntentSource {
  tip(): string | undefined;
  setUnrenderable(key: ProjectKey, problem: { version: string; message: string } | undefined): void;
  /** A version of a document that is in memory already. */
  known(path: string, blob: string): StoredDocument | undefined;
}

export interface ReconcilerLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

export interface ReconcilerDeps {
  readonly intent: IntentSource;
  readonly repository: Repository;
  readonly rendered: Branch<Snapshot>;
  readonly index: RenderedIndex;
  readonly charts: Charts;
  readonly health: (key: ProjectKey) => ProjectHealth;
  readonly log: ReconcilerLog;
}

/** So many intent commits share one durable write on `rendered`. */
const BATCH = 32;
/** How often the projects of a slice are looked at. */
const SLICE_LOOK_MS = 1_000;

interface Position {
  /** The intent commit that rendering has come to; undefined: none yet. */
  readonly intent: Pick<LogEntry, 'commit' | 'at' | 'subject'> | undefined;
  readonly standing: Standing;
  /** The tip of `rendered` that goes with it. */
  readonly renderedTip: string | undefined;
}

type WrittenCommit = Omit<FolderChange, 'edits'> & { readonly commit: string };

/** Makes one commit on `rendered` for each commit on `main`, in order, from where the branch says it stopped. */
export class Reconciler {
  #position: Position | undefined;
  /** The tip of `rendered` when it was read last, whether or not it said where to go on. */
  #readAt: string | undefined;
  readonly #slices: SliceWatch;

  constructor(private readonly deps: ReconcilerDeps) {
    this.#slices = new SliceWatch(deps.health);
  }

  /** Where rendering stands; undefined while nobody knows. */
  standing(): Standing | undefined {
    return this.#position?.standing;
  }

  /** The tip of `rendered` that this goes on from: where the branch is somewhere else, there is something to do. */
  renderedTip(): string | undefined {
    return this.#position === undefined ? this.#readAt : this.#position.renderedTip;
  }

  /** The project that stopped the roll-out. */
  stoppedBy(): { readonly key: ProjectKey; readonly message: string } | undefined {
    return this.#slices.failed();
  }

  /** One step: nothing is kept between two of them that the branches do not say. */
  async step(): Promise<Outcome> {
    try {
      return await this.#advance();
    } catch (error) {
      // Where it stands is read from the branch again.
      this.#position = undefined;
      return { kind: 'failed', error };
    }
  }

  async #advance(): Promise<Outcome> {
    const position = this.#isCurrent() ? this.#position : await this.#read();
    if (position === undefined)
      return {
        kind: 'stalled',
        message: 'Branch rendered does not say what it was made from. Delete it to make it anew.',
      };
    this.#position = position;
    const tip = this.deps.intent.tip();
    const from = position.intent?.commit;
    if (tip === undefined || tip === from) return this.#rollOut(position);
    const commits = await this.#commitsSince(from, tip);
    if (commits === undefined)
      return {
        kind: 'stalled',
        message: `The history of branch main was rewritten: ${tip} does not come after ${from ?? ''}, which is rendered already. Put it back, or delete branch rendered to make it anew.`,
      };
    for (let at = 0; at < commits.length; at += BATCH) await this.#render(commits.slice(at, at + BATCH));
    return { kind: 'requeue' };
  }

  /** False where somebody else moved the branch, or took it away. */
  #isCurrent(): boolean {
    return this.#position !== undefined && this.#position.renderedTip === this.deps.rendered.tip();
  }

  /** undefined where the branch does not say. */
  async #read(): Promise<Position | undefined> {
    const { repository, rendered, index, charts, intent } = this.deps;
    this.#position = undefined;
    await rendered.refresh();
    await adopt(repository, rendered);
    const renderedTip = rendered.tip();
    this.#readAt = renderedTip;
    if (!index.isCurrent()) await index.rebuild();
    const stopped = await whereItStopped(repository, renderedTip);
    const source = { repository, known: (path: string, blob: string) => intent.known(path, blob) };
    if (stopped.kind === 'unknown') return undefined;
    if (stopped.kind === 'nothing rendered') {
      const documents = MainPosition.beginning(source);
      const standing = {
        documents,
        platform: undefined,
        rollOut: undefined,
        held: new Map<string, string>(),
      };
      return { intent: undefined, standing, renderedTip };
    }
    const behind = (key: ProjectKey, version: string): boolean =>
      index.lastRendered(key)?.version !== version;
    const documents = await MainPosition.at(source, stopped.intentCommit, (path, blob) => {
      const ref = documentAt(path);
      return ref?.kind === 'Project' && !behind(ref, blob);
    });
    const standing = await this.#standingAt(documents, stopped);
    this.#slices.watch(await this.#touchedByTip(renderedTip, standing.rollOut));
    this.#report(await refusalsAt(charts, standing, behind), stopped.intentCommit);
    const [entry] = await repository.log({ from: stopped.intentCommit, limit: 1, order: 'newest first' });
    return { intent: entry, standing, renderedTip };
  }

  async #standingAt(documents: MainPosition, stopped: StoppedAt): Promise<Standing> {
    const platform =
      stopped.platform === undefined
        ? documents.platform()
        : await documents.platformVersion(stopped.platform);
    return { documents, platform, rollOut: stopped.rollOut, held: this.deps.index.held() };
  }

  async #touchedByTip(tip: string | undefined, rollOut: RollOut | undefined): Promise<readonly ProjectKey[]> {
    return tip === undefined || rollOut?.state !== 'rolling' ? [] : this.deps.index.touchedBy(tip);
  }

  /** Oldest first; undefined where `tip` does not come after `from`. */
  async #commitsSince(from: string | undefined, tip: string): Promise<readonly LogEntry[] | undefined> {
    const { repository } = this.deps;
    const after = from === undefined ? {} : { after: from };
    const commits = await repository.log({ from: tip, ...after, order: 'oldest first', files: true });
    if (from === undefined || commits[0]?.parent === from) return commits;
    if (!(await repository.isAncestor(from, tip))) return undefined;
    // A merge made elsewhere has another line of history as its first parent: what its commits changed, one by one,
    // leads somewhere else than to this tip. The way from here to there is one step.
    const last = commits.at(-1);
    return last === undefined ? [] : [{ ...last, parent: from, files: await repository.diff(from, tip) }];
  }

  async #render(commits: readonly LogEntry[]): Promise<void> {
    const prepared: Prepared[] = [];
    let standing = this.#position?.standing;
    for (const commit of commits) {
      if (standing === undefined) return;
      if (commit.trailers.get(APPROVES) === standing.rollOut?.commit) this.#slices.goOn();
      const one: Prepared = await prepare(this.deps, standing, commit);
      prepared.push(one);
      standing = one.standing;
    }
    const written = await Promise.all(prepared.map((one) => this.#write(one)));
    written.forEach(({ commit, touched, folders }, at) => {
      const { intent, refusals, standing: after, holdsBackSince, releases } = prepared[at] as Prepared;
      for (const { key } of touched) this.deps.intent.setUnrenderable(key, undefined);
      this.#report(refusals, intent.commit);
      const record = { commit, intentCommit: intent.commit, touched, folders, holdsBackSince, releases };
      this.deps.index.record(record);
      this.#position = { intent, standing: after, renderedTip: commit };
    });
  }

  /** One slice, when the one before it has settled. */
  async #rollOut(position: Position): Promise<Outcome> {
    const { intent, standing } = position;
    const { rollOut } = standing;
    if (intent === undefined || rollOut?.state !== 'rolling') return { kind: 'done' };
    if (this.#slices.look() !== 'settled') return { kind: 'waiting', forMs: SLICE_LOOK_MS };
    const { charts, rendered, index } = this.deps;
    const slice = await nextSlice(charts, standing, { through: rollOut.through, tree: rendered.snapshot() });
    const keys = slice.touched.map(({ key }) => key);
    this.#slices.excuseFailing(keys);
    const next: Standing = {
      ...standing,
      rollOut: slice.through === undefined ? undefined : { ...rollOut, through: slice.through },
    };
    const text =
      slice.through === undefined ? 'the last of the new platform.yaml' : 'a part of the new platform.yaml';
    const commit = await this.#commit(() => ({
      ...sliceCommit({ intent, standing: next, touched: slice.touched }, text),
      edits: slice.edits,
    }));
    this.#report(slice.refusals, intent.commit);
    const { touched, folders } = slice;
    index.record({ commit, intentCommit: intent.commit, touched, folders });
    this.#slices.watch(keys);
    this.#position = { intent, standing: next, renderedTip: commit };
    return { kind: 'requeue' };
  }

  async #write(prepared: Prepared): Promise<WrittenCommit> {
    let change: FolderChange = { edits: [], folders: [], touched: [] };
    const commit = await this.#commit((tree) => {
      change = changeOf(prepared.folders, tree);
      return { ...renderedCommit({ ...prepared, touched: change.touched }), edits: change.edits };
    });
    return { commit, touched: change.touched, folders: change.folders };
  }

  async #commit(draft: (tree: Snapshot) => CommitDraft): Promise<string> {
    const { rendered } = this.deps;
    const before = this.#position?.renderedTip;
    const { commit } = await rendered.submit((tree) => {
      // Somebody else moved the branch: what it was made from has to be read again.
      if (rendered.tip() !== before)
        throw new AppError('STORAGE_UNAVAILABLE', 'Branch rendered was moved by somebody else.');
      return draft(tree);
    });
    return commit;
  }

  #report(refusals: readonly Refusal[], intentCommit: string): void {
    for (const { path, message, project } of refusals) {
      this.deps.log.warn(
        { path, intentCommit, problem: message },
        'A document cannot be rendered; its last good rendering stands.',
      );
      if (project !== undefined)
        this.deps.intent.setUnrenderable(project.key, { version: project.version, message });
    }
  }
}
