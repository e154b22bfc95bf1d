import type {
  ObservedContainer,
  ObservedDatabase,
  ObservedObjects,
  ObservedPod,
  ObservedStatefulSet,
  ProjectFacts,
} from '../model/facts.js';

/** Facts for tables of tests: a project that runs, from which each row departs in what it is about. */

export const V1 = '1'.repeat(40);
export const V2 = '2'.repeat(40);
export const COMMIT = 'c'.repeat(40);
export const T0 = new Date('2026-11-23T08:00:00Z');

export const statefulSet = (changes: Partial<ObservedStatefulSet> = {}): ObservedStatefulSet => ({
  name: 'blog',
  intent: V1,
  deleting: false,
  replicas: 1,
  readyReplicas: 1,
  generationObserved: true,
  rolledOut: true,
  ...changes,
});

export const container = (changes: Partial<ObservedContainer> = {}): ObservedContainer => ({
  image: 'sandbox:1',
  restarts: 0,
  running: true,
  ...changes,
});

export const pod = (changes: Partial<ObservedPod> = {}): ObservedPod => ({
  name: 'blog-0',
  deleting: false,
  ready: true,
  createdAt: T0,
  containers: [container()],
  ...changes,
});

export const database = (changes: Partial<ObservedDatabase> = {}): ObservedDatabase => ({
  name: 'blog--db',
  intent: V1,
  deleting: false,
  phase: 'Running',
  generationObserved: true,
  upToDate: true,
  starting: false,
  ...changes,
});

export const objects = (changes: Partial<ObservedObjects> = {}): ObservedObjects => ({
  statefulSet: statefulSet(),
  pods: [pod()],
  volume: { name: 'blog--workspace', intent: V1, deleting: false, phase: 'Bound' },
  sealedSecrets: [{ name: 'blog--terminal', synced: true }],
  ...changes,
});

export const facts = (changes: Partial<ProjectFacts> = {}): ProjectFacts => ({
  desired: { state: 'Running', hasDatabase: false, changedAt: T0, version: V1 },
  rendered: { commit: COMMIT, version: V1 },
  applier: { applied: true, attempted: true, everApplied: true },
  observed: objects(),
  freshness: { state: 'fresh' },
  ...changes,
});

export const desired = (changes: Partial<ProjectFacts['desired']>): ProjectFacts['desired'] => ({
  ...facts().desired,
  ...changes,
});
