import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProjectStatusDto } from '../contract/status.js';
import { aggregate } from './aggregate.js';
import { projectStatus, TRANSITION_LIMIT_MS } from './status.js';
import { isTransitional } from './verdict.js';
import { World, type State } from './world-for-tests.js';

/** Random histories of a small world. After every step the status is held against the world itself. */
/** What may happen, by name. */
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

/** Chance comes to these too, but not each time. */
test.each([
  ['all is up before the revision counts as applied', ['render', 'land', 'settle']],
  ['and stops so', ['render', 'apply', 'settle', 'stop', 'render', 'land', 'settle']],
  ['and goes so', ['render', 'apply', 'settle', 'delete', 'render', 'land', 'settle']],
  ['another’s commit comes between', ['render', 'apply', 'settle', 'another', 'another', 'settle']],
  [
    'a purge takes the folder first',
    ['render', 'apply', 'purge', 'render', 'apply', 'remove', 'missTheFolder'],
  ],
])('what happens step by step: %s', (_what, history) => {
  for (const shape of [
    { hasDatabase: false, hasRelease: false },
    { hasDatabase: true, hasRelease: true },
  ])
    walk(new World(shape), history);
});
