import type { Logger } from 'pino';
import type { RemoteBranchDto, RemoteDto } from '../contract/remote.js';
import type { IntentStore, IntentView } from '../model/intent.js';
import type { Remote, RemoteBranch } from '../model/remote.js';
import type { Branch, Repository, Snapshot } from '../model/repository.js';
import type { Proposals } from './proposals.js';
import type { PullRequests } from './pull-requests.js';
import { RemoteLoop } from './remote-loop.js';
import { Replication } from './replication.js';
import { Schedule } from './schedule.js';
import { Sync } from './sync.js';

export { adoptUpstream } from './adopt.js';
export { Proposals } from './proposals.js';
export { Sync } from './sync.js';
export { PullRequests, type PullRequestsOptions } from './pull-requests.js';

export interface RemoteSettings {
  readonly acknowledge: 'local' | 'replicated';
  readonly lookEveryMs: number;
  readonly pushesPerMinute: number;
}

export interface RemoteOptions extends RemoteSettings {
  readonly repository: Repository;
  readonly store: IntentStore & {
    readonly main: Branch<IntentView>;
    fileAt(path: string): string | undefined;
    tip(): string | undefined;
  };
  readonly rendered: Branch<Snapshot>;
  readonly remote: Remote;
  readonly proposals: Proposals;
  readonly pullRequests: PullRequests | undefined;
  /** `main` goes there by pull requests only. */
  readonly alwaysPropose: boolean;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Commits go together where they come within this. */
const GATHER_MS = 2_000;
/** Somebody waits for the answer. */
const GATHER_FOR_ANSWER_MS = 20;
const PATIENCE_MS = 30_000;

/** A remote that is kept the same as this repository. */
export class RunningRemote {
  readonly #replication: Replication;
  readonly #sync: Sync;
  readonly #loop: RemoteLoop;
  readonly #listeners = new Set<(commit: string) => void>();
  readonly #ends: (() => void)[] = [];

  constructor(private readonly options: RemoteOptions) {
    const { repository, store, rendered, remote, proposals, pullRequests, log, now } = options;
    this.#replication = new Replication(repository, PATIENCE_MS);
    this.#sync = new Sync({
      repository,
      remote,
      main: store.main,
      rendered,
      record: (collision, by) => proposals.record(collision, by),
      ...(pullRequests === undefined
        ? {}
        : { propose: (commit: string, signal: AbortSignal) => pullRequests.bring(commit, signal) }),
      alwaysPropose: options.alwaysPropose,
      onThere: (branch, commit) => {
        this.#arrived(branch, commit);
      },
      log,
      now,
    });
    const schedule = new Schedule({
      gatherMs: options.acknowledge === 'replicated' ? GATHER_FOR_ANSWER_MS : GATHER_MS,
      lookEveryMs: options.lookEveryMs,
      pushesPerMinute: options.pushesPerMinute,
      random: Math.random,
    });
    this.#loop = new RemoteLoop({ sync: this.#sync, schedule, now, log });
    const wake = (): void => {
      this.#loop.commit();
    };
    this.#ends.push(store.main.onMoved(wake), rendered.onMoved(wake));
  }

  /** Answers when the remote has the commit; at once where nobody asked for that. Throws NOT_REPLICATED. */
  async acknowledged(commit: string): Promise<void> {
    if (this.options.acknowledge === 'replicated') await this.#replication.replicated(commit);
  }

  /** `rendered` there is at `commit`: appliers can be told. */
  onRenderedThere(listener: (commit: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The remote said that something was pushed to it. */
  news(): void {
    this.#loop.news();
  }

  /** Now. Answers when it was tried; what came of it is in {@link shown}. */
  sync(): Promise<void> {
    return this.#loop.now();
  }

  async acceptUpstream(): Promise<void> {
    await this.#loop.between(() => this.#sync.acceptUpstream());
    await this.sync();
  }

  async keepRendered(): Promise<void> {
    await this.#loop.between(() => this.#sync.keepRendered());
    await this.sync();
  }

  async shown(): Promise<RemoteDto> {
    const { remote, acknowledge, proposals, pullRequests } = this.options;
    const { failure, reachedAt, pushedAt, nextAttemptAt } = this.#loop;
    const [main, rendered, waiting] = await Promise.all([
      this.#branchShown('main'),
      this.#branchShown('rendered'),
      proposals.count(),
    ]);
    const pullRequest = main.state === 'in-sync' ? undefined : pullRequests?.open();
    return {
      configured: true,
      address: remote.address.url,
      acknowledge,
      main,
      rendered,
      ...(pullRequest === undefined ? {} : { pullRequest }),
      ...(reachedAt === undefined ? {} : { reachedAt: reachedAt.toISOString() }),
      ...(pushedAt === undefined ? {} : { pushedAt: pushedAt.toISOString() }),
      nextAttemptAt: nextAttemptAt.toISOString(),
      ...(failure === undefined ? {} : { failure }),
      proposals: waiting,
    };
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end();
    await this.#loop.stop();
  }

  async #branchShown(branch: RemoteBranch): Promise<RemoteBranchDto> {
    const { state, message, here, there } = this.#sync.standing(branch);
    const waiting =
      here === undefined || here === there || state === 'unknown'
        ? 0
        : await this.options.repository.countBetween(there, here);
    return {
      state,
      ...(message === undefined ? {} : { message }),
      ...(here === undefined ? {} : { here }),
      ...(there === undefined ? {} : { there }),
      waiting,
    };
  }

  #arrived(branch: RemoteBranch, commit: string): void {
    const { log } = this.options;
    if (branch === 'main')
      this.#replication.arrived(commit).catch((err: unknown) => {
        log.warn({ err }, 'it cannot be told whether a commit is at the remote');
      });
    else for (const listener of this.#listeners) listener(commit);
  }
}
