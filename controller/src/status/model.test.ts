import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProjectStatusDto } from '../contract/status.js';
import type {
  ApplierReport,
  ApplyFailure,
  ObservedDatabase,
  ObservedDeployment,
  ObservedPod,
  ObservedStatefulSet,
  ProjectFacts,
} from '../model/facts.js';
import { aggregate } from './aggregate.js';
import { projectStatus, TRANSITION_LIMIT_MS } from './status.js';
import { isTransitional } from './verdict.js';

/**
 * Random histories of a small world: documents change, are rendered, applied or refused, and the cluster follows at
 * its own pace, with failures that come and go. After every step the status is held against the world itself.
 */
type State = 'Running' | 'Stopped' | 'Deleted';

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

class World {
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

const steps: Record<string, (world: World) => void> = {
  run: (world) => {
    world.change('Running');
  },
  stop: (world) => {
    world.change('Stopped');
  },
  delete: (world) => {
    world.change('Deleted');
  },
  land: (world) => {
    world.land();
  },
  crowd: (world) => {
    const refused = { kind: 'quota', message: 'exceeded quota' } as const;
    if (world.deployment !== undefined) world.deployment = { ...world.deployment, rolledOut: false, refused };
  },
  render: (world) => {
    world.render();
  },
  apply: (world) => {
    world.apply();
  },
  settle: (world) => {
    world.settle();
  },
  another: (world) => {
    world.renderAnother();
  },
  look: (world) => {
    world.look();
  },
  crash: (world) => {
    world.hold('CrashLoopBackOff');
  },
  databaseStarts: (world) => {
    if (world.database !== undefined) world.database = { ...world.database, phase: 'Creating' };
  },
  releaseRolls: (world) => {
    if (world.deployment !== undefined)
      world.deployment = { ...world.deployment, availableReplicas: 0, rolledOut: false };
  },
  noImage: (world) => {
    world.hold('ImagePullBackOff');
  },
  noSecretYet: (world) => {
    world.hold('CreateContainerConfigError');
  },
  unschedulable: (world) => {
    if (world.pod !== undefined)
      world.pod = { ...world.pod, ready: false, unschedulable: '0/3 nodes are available' };
  },
  unseal: (world) => {
    world.sealed = !world.sealed;
  },
  quota: (world) => {
    world.quota = !world.quota;
  },
  purge: (world) => {
    world.change('Deleted');
    world.purging = true;
  },
  remove: (world) => {
    if (!world.purging) return;
    world.removing = true;
    world.revision += 1;
    world.changedAt = world.now;
  },
  /** The folder is gone, and the applier's object is still there. */
  missTheFolder: (world) => {
    if (world.removing) world.refusal = { kind: 'source', message: 'kustomization path not found' };
  },
  invalidate: (world) => {
    world.invalid = !world.invalid;
  },
  failDatabase: (world) => {
    world.failDatabase();
  },
  refuse: (world) => {
    world.refusal = { kind: 'apply', message: 'denied' };
  },
  allow: (world) => {
    world.refusal = undefined;
  },
  wait: (world) => {
    world.now += 7 * 60_000;
  },
  unhealthy: (world) => {
    world.refusal = { kind: 'health', message: 'not ready' };
  },
  lose: (world) => {
    if (world.seen === 'fresh') world.seen = 'stale';
  },
  restart: (world) => {
    world.seen = 'never';
  },
  find: (world) => {
    world.seen = 'fresh';
  },
};

const fail = (rule: string, world: World, status: ProjectStatusDto): never => {
  throw new Error(`${rule}\n${JSON.stringify({ status, facts: world.facts() }, null, 1)}`);
};

/** What has to hold in every state of the world, however it came about. */
const rules: readonly [string, (world: World, status: ProjectStatusDto) => boolean][] = [
  [
    'the aggregate agrees with its parts',
    (_world, { status, resources }) => status === aggregate(resources.map((resource) => resource.status)),
  ],
  [
    'never RUNNING before the revision is applied',
    (world, { status }) => status !== 'RUNNING' || (world.isApplied() && world.state === 'Running'),
  ],
  [
    'never RUNNING without a ready pod',
    (world, { status }) => status !== 'RUNNING' || world.pod?.ready === true,
  ],
  [
    'never RUNNING without the database and the release that belong to it',
    ({ shape, database, deployment }, { status }) =>
      status !== 'RUNNING' ||
      ((!shape.hasDatabase || database?.phase === 'Running') &&
        (!shape.hasRelease || deployment?.rolledOut === true)),
  ],
  [
    'what the pod of an older version suffers from is not held against the one that is wanted',
    ({ statefulSet, version }, { resources }) =>
      statefulSet?.intent === version ||
      !['ImageCannotBePulled', 'CrashLoop', 'Unschedulable'].includes(resources[0]?.reason ?? ''),
  ],
  [
    'nothing is on its way for ever: after the limit it has come to rest, or says what is wrong',
    (world, { freshness }) =>
      freshness.state !== 'fresh' ||
      projectStatus(world.facts(), new Date(world.now + TRANSITION_LIMIT_MS + 1)).resources.every(
        ({ status }) => !isTransitional(status),
      ),
  ],
  [
    'every step is done where it runs, and only there',
    ({ state }, { resources }) =>
      state !== 'Running' ||
      resources.every(
        ({ status, steps }) => (status === 'RUNNING') === steps.every((step) => step.state === 'done'),
      ),
  ],
  [
    'steps come one after the other: what is done, what is under way, what waits',
    (_world, { resources }) =>
      resources.every(({ steps }) =>
        /^(?:done )*(?:active )?(?:waiting )*$/.test(steps.map(({ state }) => `${state} `).join('')),
      ),
  ],
  [
    'it waits for something only while it is on its way',
    (_world, { resources }) =>
      resources.every(({ status, waitingFor }) => waitingFor === undefined || isTransitional(status)),
  ],
  [
    'never TERMINATED before the deletion is applied',
    (world, { status }) => status !== 'TERMINATED' || (world.state === 'Deleted' && world.isApplied()),
  ],
  [
    'ERROR, its reason and its message come together',
    (_world, { status, reason, message }) =>
      (status === 'ERROR') === (reason !== undefined) && (status === 'ERROR') === (message !== undefined),
  ],
  [
    'a folder that a purge took away is no failure to apply it',
    ({ refusal, invalid }, { reason }) => refusal?.kind !== 'source' || invalid || reason !== 'ApplyFailed',
  ],
  [
    'no state that nobody can leave, but for a purge',
    ({ purging }, { allowedActions }) => purging === (allowedActions.length === 0),
  ],
];

function check(world: World): void {
  const status = world.status();
  for (const [rule, holds] of rules) if (!holds(world, status)) fail(`Broken: ${rule}.`, world, status);
}

/** Every cause of trouble goes away and everybody does their work: the status has to be what was asked for. */
function heal(world: World): void {
  world.refusal = undefined;
  world.seen = 'fresh';
  world.sealed = true;
  world.quota = false;
  world.invalid = false;
  world.render();
  world.apply();
  world.settle();
}

const atRest: Record<State, string> = { Running: 'RUNNING', Stopped: 'STOPPED', Deleted: 'TERMINATED' };

/** Step after step, and after each of them the rules. */
function walk(world: World, history: readonly string[]): void {
  check(world);
  for (const step of history) {
    const before = world.status();
    steps[step]?.(world);
    check(world);
    if (step === 'another') expect(world.status(), 'a commit of another project').toEqual(before);
  }
}

const histories = (maxLength: number): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength, size: 'max' });

test('whatever happens: never RUNNING before it is applied, the aggregate agrees with its parts, ERROR heals', () => {
  fc.assert(
    fc.property(
      fc.record({ hasDatabase: fc.boolean(), hasRelease: fc.boolean() }),
      histories(40),
      // From a project at rest, which random steps seldom come to.
      histories(5),
      (shape, ...[before, after]) => {
        const world = new World(shape);
        walk(world, before);
        heal(world);
        const healed = world.status();
        // What is purged comes to rest by not being there any more.
        if (!world.purging && healed.status !== atRest[world.state]) fail('It does not heal.', world, healed);
        walk(world, after);
      },
    ),
    { numRuns: 2000 },
  );
});
