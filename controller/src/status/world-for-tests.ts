import type {
  ApplierReport,
  ApplyFailure,
  ObservedDatabase,
  ObservedDeployment,
  ObservedPod,
  ObservedStatefulSet,
  ProjectFacts,
} from '../model/facts.js';
import type { ProjectStatusDto } from '../contract/status.js';
import { projectStatus } from './status.js';

/**
 * Random histories of a small world: documents change, are rendered, applied or refused, and the cluster follows at
 * its own pace, with failures that come and go. After every step the status is held against the world itself.
 */
export type State = 'Running' | 'Stopped' | 'Deleted';

/** A commit on branch rendered: of this project, or of another one. */
interface Commit {
  /** The revision of this project's document that it, or the last one before it, was rendered from. */
  readonly revision: number;
  readonly state: State;
}

interface Shape {
  readonly hasDatabase: boolean;
  readonly hasRelease: boolean;
}

export class World {
  now = Date.parse('2026-11-23T08:00:00Z');
  state: State = 'Running';
  revision = 1;
  changedAt = this.now;
  readonly commits: Commit[] = [];
  /** How many of the commits the applier has applied, and tried. */
  applied = 0;
  attempted = 0;
  refusal: ApplyFailure | undefined;
  statefulSet: ObservedStatefulSet | undefined;
  pod: ObservedPod | undefined;
  database: ObservedDatabase | undefined;
  deployment: ObservedDeployment | undefined;
  releasePod: ObservedPod | undefined;
  /** What state the objects are for. */
  landed: State | undefined;
  volume = false;
  sealed = true;
  quota = false;
  purging = false;
  removing = false;
  invalid = false;
  seen: 'fresh' | 'stale' | 'never' = 'fresh';

  constructor(readonly shape: Shape) {}

  get version(): string {
    return `v${this.revision}`;
  }

  facts(): ProjectFacts {
    const applier = this.applierReport();
    const last = this.lastOwn();
    return {
      desired: {
        state: this.state,
        ...this.shape,
        changedAt: new Date(this.changedAt),
        version: this.version,
        ...(this.purging ? { purging: this.removing ? ('Remove' as const) : ('Unprotect' as const) } : {}),
      },
      ...(this.invalid ? { invalid: 'spec.state: Invalid option' } : {}),
      ...(last === 0
        ? {}
        : { rendered: { commit: `c${last}`, version: `v${this.commits[last - 1]?.revision ?? 0}` } }),
      ...(applier === undefined ? {} : { applier }),
      observed: this.observed(),
      freshness: this.seen === 'stale' ? { state: 'stale', ageSeconds: 5 } : { state: this.seen },
    };
  }

  observed(): ProjectFacts['observed'] {
    const { pod, statefulSet, database, deployment, releasePod } = this;
    if (this.seen === 'never') return { pods: [], sealedSecrets: [] };
    const phase = this.volume ? 'Bound' : 'Pending';
    return {
      pods: pod === undefined ? [] : [pod],
      sealedSecrets: [{ name: 'p--env', synced: this.sealed }],
      ...(this.applied > 0 ? { volume: { name: 'p--workspace', deleting: false, phase } } : {}),
      ...(statefulSet === undefined ? {} : { statefulSet }),
      ...(database === undefined ? {} : { database }),
      ...(deployment === undefined ? {} : { deployment }),
      ...(releasePod === undefined ? {} : { releasePods: [releasePod] }),
      ...(this.quota
        ? { refusal: { kind: 'quota' as const, message: 'exceeded quota', at: new Date(this.now) } }
        : {}),
    };
  }

  /** The last commit that touched this project, counted from one; what git is asked for. */
  lastOwn(): number {
    const own = this.commits.at(-1)?.revision;
    return this.commits.findIndex(({ revision }) => revision === own) + 1;
  }

  /** As it is put together from the applier's revisions: a commit includes all that came before it. */
  applierReport(): ApplierReport | undefined {
    const { applied, attempted, refusal } = this;
    if (attempted === 0) return undefined;
    return {
      applied: applied >= this.lastOwn(),
      attempted: attempted >= this.lastOwn(),
      everApplied: applied > 0,
      ...(refusal === undefined ? {} : { failure: refusal }),
    };
  }

  isApplied(): boolean {
    return this.commits[this.applied - 1]?.revision === this.revision;
  }

  status(): ProjectStatusDto {
    return projectStatus(this.facts(), new Date(this.now));
  }

  change(state: State): void {
    if (this.purging) return;
    this.state = state;
    this.revision += 1;
    this.changedAt = this.now;
  }

  render(): void {
    if (this.commits.at(-1)?.revision !== this.revision)
      this.commits.push({ revision: this.revision, state: this.state });
  }

  /** Somebody else's project is rendered, which is a commit on the same branch. */
  renderAnother(): void {
    const last = this.commits.at(-1);
    if (last !== undefined) this.commits.push(last);
  }

  apply(): void {
    const commit = this.commits.at(-1);
    if (commit === undefined) return;
    this.attempted = this.commits.length;
    if (this.refusal !== undefined) return;
    const before = this.commits[this.applied - 1]?.revision;
    this.applied = this.commits.length;
    if (before !== commit.revision) this.applyObjects(commit);
  }

  /** In the middle of an apply, or of one that waits for health: the objects are there, and it does not count yet. */
  land(): void {
    const commit = this.commits.at(-1);
    if (commit !== undefined && this.statefulSet?.intent !== `v${commit.revision}`) this.applyObjects(commit);
  }

  applyObjects({ revision, state }: Commit): void {
    this.landed = state;
    const version = `v${revision}`;
    const common = { intent: version, deleting: false, generationObserved: false } as const;
    this.statefulSet =
      state === 'Deleted'
        ? undefined
        : {
            ...common,
            name: 'p',
            replicas: state === 'Running' ? 1 : 0,
            readyReplicas: this.pod?.ready === true ? 1 : 0,
            rolledOut: true,
          };
    this.applyRelease(version, state);
    if (this.shape.hasDatabase)
      this.database = {
        ...common,
        name: 'p--db',
        phase: this.database?.phase ?? '',
        upToDate: false,
        starting: false,
      };
  }

  applyRelease(intent: string, state: State): void {
    if (!this.shape.hasRelease) return;
    const availableReplicas = this.releasePod?.ready === true ? 1 : 0;
    const replicas = state === 'Running' ? 1 : 0;
    const common = { intent, deleting: false, name: 'p--release', rolledOut: false };
    this.deployment = state === 'Deleted' ? undefined : { ...common, replicas, availableReplicas };
  }

  /** The cluster's controllers look at what is wanted, and have not done it yet. */
  look(): void {
    const wanted = this.statefulSet?.replicas === 1;
    if (this.statefulSet !== undefined) this.statefulSet = { ...this.statefulSet, generationObserved: true };
    if (!wanted && this.pod !== undefined) this.pod = { ...this.pod, deleting: true };
    if (wanted)
      this.pod ??= {
        name: 'p-0',
        deleting: false,
        ready: false,
        containers: [],
        createdAt: new Date(this.now),
      };
    if (this.database !== undefined) this.database = { ...this.database, phase: 'Updating' };
  }

  /** They have done it. */
  settle(): void {
    const wanted = this.statefulSet?.replicas === 1;
    this.volume = this.landed !== undefined;
    this.pod = wanted ? { name: 'p-0', deleting: false, ready: true, containers: [] } : undefined;
    if (this.statefulSet !== undefined)
      this.statefulSet = { ...this.statefulSet, generationObserved: true, readyReplicas: wanted ? 1 : 0 };
    this.settleRelease();
    if (this.database !== undefined) {
      const phase = this.landed === 'Running' ? 'Running' : 'Stopped';
      this.database = { ...this.database, phase, generationObserved: true, upToDate: true };
    }
  }

  settleRelease(): void {
    const { deployment } = this;
    const replicas = deployment?.replicas ?? 0;
    this.releasePod =
      replicas > 0
        ? { name: 'p--release-1', deleting: false, ready: true, ofRelease: true, containers: [] }
        : undefined;
    if (deployment === undefined) return;
    const others = { ...deployment };
    Reflect.deleteProperty(others, 'refused');
    this.deployment = { ...others, availableReplicas: replicas, rolledOut: true };
  }

  /** The sandbox's container is held back, for one reason or another. */
  hold(reason: string): void {
    if (this.pod === undefined) return;
    const container = {
      image: 'i',
      restarts: 3,
      running: false,
      waiting: { reason, message: 'as the kubelet says it' },
      ...(reason === 'CrashLoopBackOff' ? { termination: { exitCode: 1 } } : {}),
    };
    this.pod = { ...this.pod, ready: false, containers: [container] };
    if (this.statefulSet !== undefined) this.statefulSet = { ...this.statefulSet, readyReplicas: 0 };
  }

  failDatabase(): void {
    if (this.database !== undefined)
      this.database = { ...this.database, phase: 'Failed', generationObserved: true };
  }
}
