import { describe, expect, test } from 'vitest';
import { statusReasons, type ProjectStatus, type StatusReason } from '../contract/status.js';
import { nothingObserved, type ObservedObjects, type ProjectFacts } from '../model/facts.js';
import { container, database, desired, facts, objects, pod, statefulSet, T0, V2 } from './facts-for-tests.js';
import { projectStatus } from './status.js';

const soon = new Date(T0.getTime() + 1000);

const unapplied: Partial<ProjectFacts> = {
  applier: { applied: false, attempted: false, everApplied: false },
};
const reapplying: Partial<ProjectFacts> = {
  applier: { applied: false, attempted: false, everApplied: true },
};
const gone: ObservedObjects = nothingObserved;
const scaledDown = objects({ statefulSet: statefulSet({ replicas: 0, readyReplicas: 0 }), pods: [] });
const withDatabase = desired({ hasDatabase: true });
const stopped = desired({ state: 'Stopped' });
const deleted = desired({ state: 'Deleted' });
const volumeOnly: ObservedObjects = {
  ...nothingObserved,
  volume: { name: 'blog--workspace', deleting: false, phase: 'Bound' },
};
const withoutRendering = ({ observed }: Pick<ProjectFacts, 'observed'>): ProjectFacts => ({
  desired: desired({}),
  observed,
  freshness: { state: 'fresh' },
});

type Row = [what: string, facts: ProjectFacts, expected: ProjectStatus];

const table: Row[] = [
  ['running', facts(), 'RUNNING'],
  ['accepted, not rendered', withoutRendering({ observed: gone }), 'CREATING'],
  ['rendered, not applied', facts({ ...unapplied, observed: gone }), 'CREATING'],
  ['applied, the StatefulSet not seen yet', facts({ observed: gone }), 'CREATING'],
  ['no pod yet', facts({ observed: objects({ pods: [] }) }), 'STARTING'],
  ['pod not ready', facts({ observed: objects({ pods: [pod({ ready: false })] }) }), 'STARTING'],
  [
    'ready, the count lags behind',
    facts({ observed: objects({ statefulSet: statefulSet({ readyReplicas: 0 }) }) }),
    'STARTING',
  ],
  [
    'only a pod that goes is ready',
    facts({ observed: objects({ pods: [pod({ deleting: true })] }) }),
    'STARTING',
  ],
  ['ready before it counts as applied, first time', facts(unapplied), 'STARTING'],
  ['ready before it counts as applied, later', facts(reapplying), 'UPDATING'],
  ['a new version is accepted', facts({ desired: desired({ version: V2 }) }), 'UPDATING'],
  [
    'a new version, while stopped objects stand',
    facts({ desired: desired({ version: V2 }), observed: scaledDown }),
    'STARTING',
  ],
  [
    'a generation nobody has looked at',
    facts({ observed: objects({ statefulSet: statefulSet({ generationObserved: false }) }) }),
    'UPDATING',
  ],
  [
    'a roll-out under way',
    facts({ observed: objects({ statefulSet: statefulSet({ rolledOut: false }) }) }),
    'UPDATING',
  ],
  [
    'a roll-out, the old pod gone',
    facts({ observed: objects({ statefulSet: statefulSet({ rolledOut: false }), pods: [] }) }),
    'STARTING',
  ],
  ['stop asked, still running', facts({ desired: desired({ state: 'Stopped', version: V2 }) }), 'STOPPING'],
  [
    'stop applied, the pod still there',
    facts({ desired: stopped, observed: { ...scaledDown, pods: [pod({ deleting: true })] } }),
    'STOPPING',
  ],
  ['stopped', facts({ desired: stopped, observed: scaledDown }), 'STOPPED'],
  [
    'stopped, a change not applied yet',
    facts({ ...reapplying, desired: desired({ state: 'Stopped', version: V2 }), observed: scaledDown }),
    'STOPPED',
  ],
  [
    'created as stopped, nothing there yet',
    facts({ ...unapplied, desired: stopped, observed: gone }),
    'CREATING',
  ],
  [
    'start asked, nothing rendered',
    facts({ desired: desired({ version: V2 }), observed: scaledDown }),
    'STARTING',
  ],
  [
    'delete asked, still running',
    facts({ desired: desired({ state: 'Deleted', version: V2 }) }),
    'TERMINATING',
  ],
  [
    'delete applied, the pod still there',
    facts({ desired: deleted, observed: { ...gone, pods: [pod({ deleting: true })] } }),
    'TERMINATING',
  ],
  ['deleted, nothing left', facts({ desired: deleted, observed: gone }), 'TERMINATED'],
  ['deleted, only the volume left', facts({ desired: deleted, observed: volumeOnly }), 'TERMINATED'],
  ['deleted, not applied', facts({ ...reapplying, desired: deleted, observed: gone }), 'TERMINATING'],
  [
    'deleted, the stopped database left',
    facts({
      desired: desired({ state: 'Deleted', hasDatabase: true }),
      observed: { ...gone, database: database({ phase: 'Stopped' }) },
    }),
    'TERMINATED',
  ],
  [
    'deleted, the database still stopping',
    facts({
      desired: desired({ state: 'Deleted', hasDatabase: true }),
      observed: { ...gone, database: database({ phase: 'Stopping' }) },
    }),
    'TERMINATING',
  ],
  ['both run', facts({ desired: withDatabase, observed: objects({ database: database() }) }), 'RUNNING'],
  ['the database is not there yet', facts({ desired: withDatabase }), 'CREATING'],
  [
    'the database has no phase',
    facts({ desired: withDatabase, observed: objects({ database: database({ phase: '' }) }) }),
    'CREATING',
  ],
  [
    'the database is being created',
    facts({ desired: withDatabase, observed: objects({ database: database({ phase: 'Creating' }) }) }),
    'STARTING',
  ],
  [
    'the database is updating',
    facts({ desired: withDatabase, observed: objects({ database: database({ phase: 'Updating' }) }) }),
    'UPDATING',
  ],
  [
    'the database comes up again',
    facts({
      desired: withDatabase,
      observed: objects({ database: database({ phase: 'Updating', starting: true }) }),
    }),
    'STARTING',
  ],
  [
    'Running of an older generation',
    facts({
      desired: withDatabase,
      observed: objects({ database: database({ generationObserved: false }) }),
    }),
    'UPDATING',
  ],
  [
    'Running of an older document',
    facts({ desired: withDatabase, observed: objects({ database: database({ intent: V2 }) }) }),
    'UPDATING',
  ],
  [
    'Stopped of an older document',
    facts({
      desired: withDatabase,
      observed: objects({ database: database({ intent: V2, phase: 'Stopped' }) }),
    }),
    'STARTING',
  ],
  [
    'Running, not up to date',
    facts({ desired: withDatabase, observed: objects({ database: database({ upToDate: false }) }) }),
    'UPDATING',
  ],
  [
    'the database runs, the revision is not applied',
    facts({ ...unapplied, desired: withDatabase, observed: objects({ database: database() }) }),
    'STARTING',
  ],
  [
    'stopped, the database still stopping',
    facts({
      desired: desired({ state: 'Stopped', hasDatabase: true }),
      observed: { ...scaledDown, database: database({ phase: 'Stopping' }) },
    }),
    'STOPPING',
  ],
  [
    'both stopped',
    facts({
      desired: desired({ state: 'Stopped', hasDatabase: true }),
      observed: { ...scaledDown, database: database({ phase: 'Stopped' }) },
    }),
    'STOPPED',
  ],
  [
    "a health check that fails is the objects' own story",
    facts({
      applier: {
        applied: false,
        attempted: true,
        everApplied: false,
        failure: { kind: 'health', message: 'not ready' },
      },
      observed: objects({ pods: [pod({ ready: false })] }),
    }),
    'STARTING',
  ],
  [
    'a failure that was overtaken',
    facts({
      applier: {
        applied: true,
        attempted: true,
        everApplied: true,
        failure: { kind: 'apply', message: 'x' },
      },
    }),
    'RUNNING',
  ],
  [
    'a failure of an older revision',
    facts({
      applier: {
        applied: false,
        attempted: false,
        everApplied: true,
        failure: { kind: 'apply', message: 'x' },
      },
      desired: desired({}),
    }),
    'UPDATING',
  ],
];

test.each(table)('%s', (_what, given, expected) => {
  expect(projectStatus(given, soon).status).toBe(expected);
});

describe('ERROR has a reason of the closed list and a message that says what it is', () => {
  const waiting = (reason: string, message?: string): ObservedObjects =>
    objects({
      pods: [
        pod({
          ready: false,
          containers: [
            container({ running: false, waiting: { reason, ...(message === undefined ? {} : { message }) } }),
          ],
        }),
      ],
    });
  const failure = (kind: 'apply' | 'quota' | 'source', attempted = true): Partial<ProjectFacts> => ({
    applier: {
      applied: false,
      attempted,
      everApplied: true,
      failure: { kind, message: 'admission webhook denied the request' },
    },
  });

  const rows: [string, ProjectFacts, StatusReason, RegExp][] = [
    [
      'image',
      facts({ observed: waiting('ImagePullBackOff', 'manifest unknown') }),
      'ImageCannotBePulled',
      /sandbox:1.*manifest unknown/,
    ],
    [
      'crash loop',
      facts({
        observed: objects({
          pods: [
            pod({
              ready: false,
              containers: [
                container({
                  running: false,
                  restarts: 4,
                  waiting: { reason: 'CrashLoopBackOff' },
                  termination: { exitCode: 3 },
                }),
              ],
            }),
          ],
        }),
      }),
      'CrashLoop',
      /exit code 3 after 4 restarts/,
    ],
    [
      'out of memory',
      facts({
        observed: objects({
          pods: [
            pod({
              ready: false,
              containers: [
                container({
                  running: false,
                  waiting: { reason: 'CrashLoopBackOff' },
                  termination: { exitCode: 137, reason: 'OOMKilled' },
                }),
              ],
            }),
          ],
        }),
      }),
      'CrashLoop',
      /out of memory.*137/,
    ],
    [
      'cannot be started',
      facts({ observed: waiting('RunContainerError', 'exec: no such file') }),
      'CrashLoop',
      /exec: no such file/,
    ],
    [
      'evicted',
      facts({ observed: objects({ pods: [pod({ ready: false, failed: 'The node was low on disk' })] }) }),
      'CrashLoop',
      /low on disk/,
    ],
    [
      'unschedulable',
      facts({
        observed: objects({
          pods: [
            pod({
              ready: false,
              containers: [],
              unschedulable: '0/3 nodes are available',
              createdAt: new Date(soon.getTime() - 16_000),
            }),
          ],
        }),
      }),
      'Unschedulable',
      /0\/3 nodes/,
    ],
    [
      'quota of pods',
      facts({
        observed: objects({
          pods: [],
          refusal: { kind: 'quota', message: 'exceeded quota: quota, requested: pods=1' },
        }),
      }),
      'QuotaExceeded',
      /exceeded quota/,
    ],
    [
      'quota at apply',
      facts({
        ...failure('quota'),
        desired: desired({ version: V2 }),
        rendered: { commit: 'd', version: V2 },
      }),
      'QuotaExceeded',
      /denied the request/,
    ],
    ['apply', facts(failure('apply')), 'ApplyFailed', /admission webhook denied the request\./],
    ['source, never attempted', facts(failure('source', false)), 'ApplyFailed', /denied/],
    ['document', facts({ invalid: 'spec.state: Invalid option' }), 'InvalidDocument', /spec\.state/],
    [
      'secret',
      facts({
        observed: objects({
          pods: [],
          sealedSecrets: [{ name: 'blog--env', synced: false, message: 'no key could decrypt secret' }],
        }),
      }),
      'SecretCannotBeUnsealed',
      /blog--env.*no key could decrypt/,
    ],
    [
      'database failed',
      facts({
        desired: withDatabase,
        observed: objects({ database: database({ phase: 'Failed', message: 'disk full' }) }),
      }),
      'DatabaseFailed',
      /disk full/,
    ],
    [
      'database refused',
      facts({
        desired: withDatabase,
        observed: objects({ database: database({ phase: '', refused: 'no such componentDef' }) }),
      }),
      'DatabaseFailed',
      /no such componentDef/,
    ],
  ];
  test.each(rows)('%s', (_what, given, ...[reason, message]) => {
    const status = projectStatus(given, soon);
    expect(status.status).toBe('ERROR');
    expect(status.reason).toBe(reason);
    expect(status.message).toMatch(message);
    // What is wrong, and then what to do.
    expect(status.message).toMatch(/[.!?…] [A-Z][^.!?…]+\.$/);
  });

  test('the rows are the whole list, but for time', () => {
    expect(new Set([...rows.map(([, , reason]) => reason), 'TimedOut'])).toEqual(new Set(statusReasons));
  });

  test('what the old version suffered from says nothing about the new one', () => {
    const given = facts({ desired: desired({ version: V2 }), observed: waiting('ImagePullBackOff') });
    expect(projectStatus(given, soon).status).toBe('UPDATING');
  });

  test('a refusal is forgotten once a pod is there', () => {
    const observed = objects({
      pods: [pod({ ready: false })],
      refusal: { kind: 'quota', message: 'exceeded quota' },
    });
    expect(projectStatus(facts({ observed }), soon).status).toBe('STARTING');
  });

  test('a refusal of an earlier version says nothing about this one', () => {
    const refusal = { kind: 'quota', message: 'exceeded quota' } as const;
    const status = (at: Date): string =>
      projectStatus(facts({ observed: objects({ pods: [], refusal: { ...refusal, at } }) }), soon).status;
    expect(status(new Date(T0.getTime() - 1000))).toBe('STARTING');
    expect(status(new Date(T0.getTime() + 1000))).toBe('ERROR');
  });

  test('a pod whose volume is still being provided is no error', () => {
    const unschedulable = 'pod has unbound immediate PersistentVolumeClaims';
    const young = pod({
      ready: false,
      containers: [],
      unschedulable,
      createdAt: new Date(soon.getTime() - 14_000),
    });
    expect(projectStatus(facts({ observed: objects({ pods: [young] }) }), soon).status).toBe('STARTING');
  });

  test("a container that waits for the database's Secret is no error", () => {
    expect(
      projectStatus(facts({ observed: waiting('CreateContainerConfigError', 'secret not found') }), soon)
        .status,
    ).toBe('STARTING');
  });
});
