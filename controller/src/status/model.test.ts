import fc from 'fast-check';
import { test } from 'vitest';
import type { ProjectStatusDto } from '../contract/status.js';
import type {
  ApplierReport,
  ApplyFailure,
  ObservedDatabase,
  ObservedPod,
  ObservedStatefulSet,
  ProjectFacts,
} from '../model/facts.js';
import { aggregate } from './aggregate.js';
import { projectStatus } from './status.js';

/**
 * Random histories of a small world: documents change, are rendered, applied or refused, and the cluster follows at
 * its own pace, with failures that come and go. After every step the status is held against the world itself.
 */
type State = 'Running' | 'Stopped' | 'Deleted';

interface Applied {
  readonly revision: number;
  readonly version: string;
  readonly state: State;
}

class World {
  now = Date.parse('2026-11-23T08:00:00Z');
  state: State = 'Running';
  revision = 1;
  changedAt = this.now;
  rendered: { revision: number; state: State } | undefined;
  applied: Applied | undefined;
  refusal: ApplyFailure | undefined;
  statefulSet: ObservedStatefulSet | undefined;
  pod: ObservedPod | undefined;
  database: ObservedDatabase | undefined;
  stale = false;

  constructor(readonly hasDatabase: boolean) {}

  get version(): string {
    return `v${this.revision}`;
  }

  facts(): ProjectFacts {
    const { rendered, pod, statefulSet, database } = this;
    const applier = this.applierReport();
    return {
      desired: {
        state: this.state,
        hasDatabase: this.hasDatabase,
        changedAt: new Date(this.changedAt),
        version: this.version,
      },
      ...(rendered === undefined
        ? {}
        : { rendered: { commit: `c${rendered.revision}`, version: `v${rendered.revision}` } }),
      ...(applier === undefined ? {} : { applier }),
      observed: {
        pods: pod === undefined ? [] : [pod],
        sealedSecrets: [],
        ...(statefulSet === undefined ? {} : { statefulSet }),
        ...(database === undefined ? {} : { database }),
      },
      freshness: this.stale ? { state: 'stale', ageSeconds: 5 } : { state: 'fresh' },
    };
  }

  applierReport(): ApplierReport | undefined {
    const { rendered, applied, refusal } = this;
    if (applied === undefined && refusal === undefined) return undefined;
    return {
      applied: applied !== undefined && rendered !== undefined && applied.revision >= rendered.revision,
      attempted: refusal !== undefined,
      everApplied: applied !== undefined,
      ...(refusal === undefined ? {} : { failure: refusal }),
    };
  }

  isApplied(): boolean {
    return this.rendered?.revision === this.revision && this.applied?.revision === this.revision;
  }

  status(): ProjectStatusDto {
    return projectStatus(this.facts(), new Date(this.now));
  }

  change(state: State): void {
    this.state = state;
    this.revision += 1;
    this.changedAt = this.now;
  }

  render(): void {
    this.rendered = { revision: this.revision, state: this.state };
  }

  apply(): void {
    if (this.rendered === undefined || this.refusal !== undefined) return;
    const { revision, state } = this.rendered;
    const version = `v${revision}`;
    this.applied = { revision, version, state };
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
    if (this.hasDatabase)
      this.database = {
        ...common,
        name: 'p--db',
        phase: this.database?.phase ?? '',
        upToDate: false,
        starting: false,
      };
  }

  /** The cluster's controllers do their work, to the end. */
  settle(): void {
    const wanted = this.statefulSet?.replicas === 1;
    this.pod = wanted ? { name: 'p-0', deleting: false, ready: true, containers: [] } : undefined;
    if (this.statefulSet !== undefined)
      this.statefulSet = { ...this.statefulSet, generationObserved: true, readyReplicas: wanted ? 1 : 0 };
    if (this.database !== undefined && this.applied !== undefined) {
      const phase = this.applied.state === 'Running' ? 'Running' : 'Stopped';
      this.database = { ...this.database, phase, generationObserved: true, upToDate: true };
    }
  }

  crash(): void {
    if (this.pod === undefined) return;
    const container = {
      image: 'i',
      restarts: 3,
      running: false,
      waiting: { reason: 'CrashLoopBackOff' },
      termination: { exitCode: 1 },
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
  render: (world) => {
    world.render();
  },
  apply: (world) => {
    world.apply();
  },
  settle: (world) => {
    world.settle();
  },
  crash: (world) => {
    world.crash();
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
  lose: (world) => {
    world.stale = true;
  },
  find: (world) => {
    world.stale = false;
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
    'never TERMINATED before the deletion is applied',
    (world, { status }) => status !== 'TERMINATED' || (world.state === 'Deleted' && world.isApplied()),
  ],
  [
    'ERROR, its reason and its message come together',
    (_world, { status, reason, message }) =>
      (status === 'ERROR') === (reason !== undefined) && (status === 'ERROR') === (message !== undefined),
  ],
  ['no state that nobody can leave', (_world, { allowedActions }) => allowedActions.length > 0],
];

function check(world: World): void {
  const status = world.status();
  for (const [rule, holds] of rules) if (!holds(world, status)) fail(`Broken: ${rule}.`, world, status);
}

/** Every cause of trouble goes away and everybody does their work: the status has to be what was asked for. */
function heal(world: World): void {
  world.refusal = undefined;
  world.stale = false;
  world.render();
  world.apply();
  world.settle();
}

const atRest: Record<State, string> = { Running: 'RUNNING', Stopped: 'STOPPED', Deleted: 'TERMINATED' };

test('whatever happens: never RUNNING before it is applied, the aggregate agrees with its parts, ERROR heals', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 40, size: 'max' }),
      (hasDatabase, history) => {
        const world = new World(hasDatabase);
        check(world);
        for (const step of history) {
          steps[step]?.(world);
          check(world);
        }
        heal(world);
        const healed = world.status();
        if (healed.status !== atRest[world.state]) fail('It does not heal.', world, healed);
      },
    ),
    { numRuns: 2000 },
  );
});
