import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import type { Branch, LogEntry, Repository, Snapshot } from '../model/repository.js';
import { folderEdits, type Charts } from '../render/index.js';
import { MainPosition } from './main-position.js';
import type { Outcome } from './outcome.js';
import {
  prepare,
  refusalsAt,
  type Prepared,
  type PreparedFolder,
  type ProjectVersion,
  type Refusal,
} from './prepare.js';
import type { RenderedIndex } from './rendered-index.js';
import { renderedCommit } from './rendered-message.js';
import { whereItStopped } from './where-it-stopped.js';

/** What the reconciler needs of the intent store. */
export interface IntentSource {
  tip(): string | undefined;
  setUnrenderable(key: ProjectKey, problem: { version: string; message: string } | undefined): void;
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
  readonly log: ReconcilerLog;
}

/** So many intent commits share one durable write on `rendered`. */
const BATCH = 32;

interface Position {
  /** The intent commit that rendering has come to; undefined: none yet. */
  readonly commit: string | undefined;
  readonly documents: MainPosition;
  /** The tip of `rendered` that goes with it. */
  readonly renderedTip: string | undefined;
}

interface WrittenCommit {
  readonly prepared: Prepared;
  readonly commit: string;
  readonly touched: readonly ProjectVersion[];
}

/** Makes one commit on `rendered` for each commit on `main`, in order, from where the branch says it stopped. */
export class Reconciler {
  #position: Position | undefined;

  constructor(private readonly deps: ReconcilerDeps) {}

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
    const position = this.#position ?? (await this.#read());
    if (position === undefined)
      return {
        kind: 'stalled',
        message: 'Branch rendered does not say what it was made from. Delete it to make it anew.',
      };
    this.#position = position;
    const tip = this.deps.intent.tip();
    if (tip === undefined || tip === position.commit) return { kind: 'done' };
    const commits = await this.#commitsSince(position.commit, tip);
    if (commits === undefined)
      return {
        kind: 'stalled',
        message: `The history of branch main was rewritten: ${tip} does not come after ${position.commit ?? ''}, which is rendered already. Put it back, or delete branch rendered to make it anew.`,
      };
    for (let at = 0; at < commits.length; at += BATCH)
      await this.#render(position.documents, commits.slice(at, at + BATCH));
    return { kind: 'requeue' };
  }

  /** undefined where the branch does not say. */
  async #read(): Promise<Position | undefined> {
    const { repository, rendered, index } = this.deps;
    await rendered.refresh();
    if (!index.isCurrent()) await index.rebuild();
    const stopped = await whereItStopped(repository, rendered);
    if (stopped.kind === 'unknown') return undefined;
    const renderedTip = rendered.tip();
    if (stopped.kind === 'nothing rendered')
      return { commit: undefined, documents: MainPosition.beginning(repository), renderedTip };
    const documents = await MainPosition.at(repository, stopped.intentCommit);
    const behind = (key: ProjectKey, version: string): boolean =>
      index.lastRendered(key)?.version !== version;
    this.#report(await refusalsAt(this.deps.charts, documents, behind), stopped.intentCommit);
    return { commit: stopped.intentCommit, documents, renderedTip };
  }

  /** Oldest first; undefined where `tip` does not come after `commit`. */
  async #commitsSince(commit: string | undefined, tip: string): Promise<readonly LogEntry[] | undefined> {
    const { repository } = this.deps;
    const after = commit === undefined ? {} : { after: commit };
    const commits = await repository.log({ from: tip, ...after, order: 'oldest first', files: true });
    const follows = commit === undefined || commits[0]?.parent === commit;
    return follows || (await repository.isAncestor(commit, tip)) ? commits : undefined;
  }

  async #render(documents: MainPosition, commits: readonly LogEntry[]): Promise<void> {
    const prepared: Prepared[] = [];
    for (const commit of commits) prepared.push(await prepare(this.deps.charts, documents, commit));
    // A guard against a commit that would take away many projects at once belongs here, before anything is written.
    const written = await Promise.all(prepared.map((one) => this.#write(one)));
    for (const {
      prepared: { intent, refusals },
      commit,
      touched,
    } of written) {
      for (const { key } of touched) this.deps.intent.setUnrenderable(key, undefined);
      this.#report(refusals, intent.commit);
      this.deps.index.record({ commit, intentCommit: intent.commit, touched });
      this.#position = { commit: intent.commit, documents, renderedTip: commit };
    }
  }

  async #write(prepared: Prepared): Promise<WrittenCommit> {
    const { rendered } = this.deps;
    const before = this.#position?.renderedTip;
    let touched: PreparedFolder[] = [];
    const { commit } = await rendered.submit((tree) => {
      // Somebody else moved the branch: what it was made from has to be read again.
      if (rendered.tip() !== before)
        throw new AppError('STORAGE_UNAVAILABLE', 'Branch rendered was moved by somebody else.');
      const edits = prepared.folders.map((folder) => ({ folder, edits: folderEdits(folder, tree) }));
      touched = edits.filter((one) => one.edits.length > 0).map(({ folder }) => folder);
      return { ...renderedCommit(prepared.intent), edits: edits.flatMap((one) => one.edits) };
    });
    return {
      prepared,
      commit,
      touched: touched.flatMap(({ project }) => (project === undefined ? [] : [project])),
    };
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
