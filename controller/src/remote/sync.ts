import type { RemoteBranchState } from '../contract/remote.js';
import { AppError } from '../contract/errors.js';
import { known, upstreamRef } from '../git/index.js';
import type { IntentView } from '../model/intent.js';
import type { PushResult, Remote, RemoteBranch } from '../model/remote.js';
import type { Branch, Repository, Snapshot } from '../model/repository.js';
import { joinMain, type JoinDeps } from './join-main.js';
import { explain } from './explain.js';

export interface SyncDeps extends Omit<JoinDeps, 'main'> {
  readonly repository: Repository;
  readonly remote: Remote;
  readonly main: Branch<IntentView>;
  readonly rendered: Branch<Snapshot>;
  /** How `main` gets there where the server takes no pushes to it. True: it is there. */
  readonly propose?: (commit: string, signal: AbortSignal) => Promise<boolean>;
  readonly alwaysPropose: boolean;
  /** A commit of a branch, and all before it, is there. */
  readonly onThere: (branch: RemoteBranch, commit: string) => void;
  readonly log: { warn(context: object, message: string): void };
}

export interface Standing {
  readonly state: RemoteBranchState;
  readonly message?: string;
  readonly here: string | undefined;
  readonly there: string | undefined;
}

/** The tip that both sides last had of `main`: what is behind it never goes away by itself. */
const AGREED = 'refs/upstream-agreed/main';
/** How often others may push between our look and our push. */
const ATTEMPTS = 3;

interface Block {
  readonly state: RemoteBranchState;
  readonly message: string;
}

/** One repository and the same one somewhere else. Not reentrant: whoever calls it waits for the answer. */
export class Sync {
  readonly #there = new Map<RemoteBranch, string>();
  readonly #blocked = new Map<RemoteBranch, Block>();
  /** A server that refuses is asked again and again; it is in the log once. */
  readonly #said = new Map<RemoteBranch, string>();
  #looked = false;
  #byPullRequest: boolean;

  constructor(private readonly deps: SyncDeps) {
    this.#byPullRequest = deps.alwaysPropose;
  }

  standing(branch: RemoteBranch): Standing {
    const here = this.deps[branch].tip();
    const there = this.#there.get(branch);
    const block = this.#blocked.get(branch);
    if (block !== undefined) return { ...block, here, there };
    const state = this.#looked ? (here === there ? 'in-sync' : 'ahead') : 'unknown';
    return { state, here, there };
  }

  /** True where a push could bring something there. */
  isAhead(): boolean {
    return this.#aheadOnes().length > 0;
  }

  /** Asks what is there, takes it in, and says what of ours is missing there. Throws a RemoteFailure. */
  async look(signal: AbortSignal): Promise<void> {
    const { remote, repository } = this.deps;
    const tips = await remote.tips(signal);
    const branches = known(tips);
    const held = await Promise.all(branches.map((branch) => repository.refs.read(upstreamRef(branch))));
    const news = branches.filter((branch, index) => tips.get(branch) !== held[index]);
    if (news.length > 0) await remote.fetch(news, signal);
    this.#there.clear();
    for (const branch of branches) {
      const tip = await repository.refs.read(upstreamRef(branch));
      if (tip !== undefined) this.#there.set(branch, tip);
    }
    await this.#settleMain();
    await this.#settleRendered();
    this.#looked = true;
  }

  /** Brings what is missing there. Looks again where others were faster. Throws a RemoteFailure. */
  async push(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const ahead = this.#aheadOnes();
      // Into nothing there is no pull request: the first push is one.
      const proposing = this.#byPullRequest && this.#there.has('main');
      const direct = ahead.filter((branch) => branch === 'rendered' || !proposing);
      const commits = Object.fromEntries(direct.map((branch) => [branch, this.deps[branch].tip() ?? '']));
      const results = direct.length === 0 ? [] : await this.deps.remote.push(commits, signal);
      for (const result of results) await this.#after(result, commits);
      if (ahead.includes('main') && this.#byPullRequest && this.#there.has('main'))
        await this.#propose(signal);
      if (!results.some(({ outcome }) => outcome === 'behind')) return;
      await this.look(signal);
    }
  }

  /** An operator's word: history that was rewritten there counts; what was written here stays. */
  async acceptUpstream(): Promise<void> {
    const { repository } = this.deps;
    const { state } = this.standing('main');
    if (state !== 'rewritten' && state !== 'unrelated')
      throw new AppError('ACTION_NOT_ALLOWED', 'The history of main was not rewritten there.');
    const theirs = this.#there.get('main');
    const agreed = await repository.refs.read(AGREED);
    if (theirs === undefined) await repository.refs.remove(AGREED);
    else {
      await this.#join(theirs, state === 'rewritten' ? agreed : undefined);
      await repository.refs.set(AGREED, theirs);
    }
    this.#blocked.delete('main');
  }

  /** An operator's word: what is rendered here counts; the commits made there become part of its history. */
  async keepRendered(): Promise<void> {
    const theirs = this.#there.get('rendered');
    if (this.standing('rendered').state !== 'diverged' || theirs === undefined)
      throw new AppError('ACTION_NOT_ALLOWED', 'Nobody else has pushed to rendered.');
    const at = this.deps.now();
    const portal = { name: 'FullstackAgent portal', email: 'portal@fullstackagent.dev', at };
    const message = 'Keep what is rendered here\n\nAction: keep-rendered\n';
    await this.deps.rendered.moveBy(() =>
      Promise.resolve({
        draft: { author: portal, committer: portal, message, edits: [], takes: [], joins: theirs },
      }),
    );
    this.#blocked.delete('rendered');
  }

  #aheadOnes(): readonly RemoteBranch[] {
    const branches = ['main', 'rendered'] as const;
    return branches.filter(
      (branch) => this.standing(branch).state === 'ahead' && this.deps[branch].tip() !== undefined,
    );
  }

  async #settleMain(): Promise<void> {
    const { repository, main } = this.deps;
    const theirs = this.#there.get('main');
    const agreed = await repository.refs.read(AGREED);
    const lost =
      agreed !== undefined && (theirs === undefined || !(await repository.isAncestor(agreed, theirs)));
    if (lost) {
      this.#block('main', theirs === undefined ? explain.removed() : explain.rewritten(agreed, theirs));
      return;
    }
    const tip = main.tip();
    if (theirs !== undefined && tip !== undefined && !(await this.#joinOrdinarily(tip, theirs))) return;
    if (theirs !== undefined) {
      await repository.refs.set(AGREED, theirs);
      this.deps.onThere('main', theirs);
    }
    // Whether the server still refuses is seen at the next push.
    this.#blocked.delete('main');
  }

  /** False where the two cannot be put together. */
  async #joinOrdinarily(tip: string, theirs: string): Promise<boolean> {
    const base = await this.deps.repository.mergeBase(tip, theirs);
    if (base === undefined) {
      this.#block('main', explain.unrelated());
      return false;
    }
    try {
      if (base !== theirs) await this.#join(theirs, base);
      return true;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'VALIDATION_FAILED') throw error;
      this.#block('main', explain.stuck(theirs, error.message));
      return false;
    }
  }

  async #join(theirs: string, base: string | undefined): Promise<void> {
    const proposals = await joinMain(this.deps, { theirs, base });
    if (proposals > 0)
      this.deps.log.warn({ theirs, proposals }, 'changes made upstream wait for a person to decide');
  }

  async #settleRendered(): Promise<void> {
    const { repository, rendered } = this.deps;
    const theirs = this.#there.get('rendered');
    const tip = rendered.tip();
    if (theirs === undefined || (tip !== undefined && (await repository.isAncestor(theirs, tip)))) {
      this.#blocked.delete('rendered');
      if (theirs !== undefined) this.deps.onThere('rendered', theirs);
    } else this.#block('rendered', explain.diverged(theirs));
  }

  #block(branch: RemoteBranch, block: Block): void {
    if (this.#said.get(branch) !== block.message)
      this.deps.log.warn({ branch, state: block.state }, block.message);
    this.#said.set(branch, block.message);
    this.#blocked.set(branch, block);
  }

  async #after({ branch, outcome, reason }: PushResult, commits: Record<string, string>): Promise<void> {
    const commit = commits[branch];
    if ((branch !== 'main' && branch !== 'rendered') || commit === undefined) return;
    if (outcome === 'pushed') await this.#arrived(branch, commit);
    if (outcome !== 'protected') return;
    if (branch === 'main' && this.deps.propose !== undefined) this.#byPullRequest = true;
    else this.#block(branch, explain.refused(branch, reason ?? ''));
  }

  async #arrived(branch: RemoteBranch, commit: string): Promise<void> {
    const { refs } = this.deps.repository;
    this.#there.set(branch, commit);
    await refs.set(upstreamRef(branch), commit);
    if (branch === 'main') await refs.set(AGREED, commit);
    this.deps.onThere(branch, commit);
  }

  /** What differs in nothing needs no pull request: a server that squashes would be asked for ever. */
  async #propose(signal: AbortSignal): Promise<void> {
    const { repository, main, propose } = this.deps;
    const tip = main.tip();
    const there = this.#there.get('main');
    if (tip === undefined || propose === undefined) return;
    if (there !== undefined && (await repository.diff(there, tip)).length === 0) return;
    if (await propose(tip, signal)) await this.look(signal);
  }
}
