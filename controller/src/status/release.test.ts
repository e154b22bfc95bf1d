import { describe, expect, it } from 'vitest';
import type { ObservedDeployment, ObservedPod, ProjectFacts } from '../model/facts.js';
import { container, desired, facts, objects, pod, T0, V1, V2 } from './facts-for-tests.js';
import { projectStatus } from './status.js';

const deployment = (changes: Partial<ObservedDeployment> = {}): ObservedDeployment => ({
  name: 'blog--release',
  intent: V1,
  deleting: false,
  replicas: 1,
  availableReplicas: 1,
  rolledOut: true,
  ...changes,
});
const app = (changes: Partial<ObservedPod> = {}): ObservedPod => pod({ name: 'blog--release-0', ...changes });
const waiting = (reason: string, more: object = {}): ObservedPod =>
  app({ ready: false, containers: [container({ running: false, waiting: { reason }, ...more })] });

interface Row {
  readonly name: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: RegExp;
  readonly state?: 'Running' | 'Stopped' | 'Deleted';
  readonly deployment?: ObservedDeployment;
  readonly pods?: readonly ObservedPod[];
  readonly changes?: Partial<ProjectFacts>;
}

const coming = { availableReplicas: 0, rolledOut: false };

const rows: readonly Row[] = [
  { name: 'answers', status: 'RUNNING', deployment: deployment(), pods: [app()] },
  { name: 'is not there yet', status: 'CREATING' },
  { name: 'starts', status: 'STARTING', deployment: deployment(coming), pods: [app({ ready: false })] },
  {
    name: 'is replaced by another',
    status: 'UPDATING',
    deployment: deployment({ rolledOut: false }),
    pods: [app(), app({ ready: false })],
  },
  {
    name: 'is of an earlier version',
    status: 'UPDATING',
    deployment: deployment({ intent: V2 }),
    pods: [app()],
  },
  {
    name: 'crashes',
    status: 'ERROR',
    reason: 'CrashLoop',
    message: /exit code 3/,
    deployment: deployment(coming),
    pods: [waiting('CrashLoopBackOff', { restarts: 2, termination: { exitCode: 3 } })],
  },
  {
    name: 'crashes while the one before it answers',
    status: 'ERROR',
    reason: 'CrashLoop',
    message: /What answered before goes on answering\.$/,
    deployment: deployment({ rolledOut: false }),
    pods: [app(), waiting('CrashLoopBackOff', { termination: { exitCode: 3 } })],
  },
  {
    name: 'has an image that cannot be had',
    status: 'ERROR',
    reason: 'ImageCannotBePulled',
    deployment: deployment(coming),
    pods: [waiting('ErrImagePull')],
  },
  {
    name: 'has no room in the quota',
    status: 'ERROR',
    reason: 'QuotaExceeded',
    message: /no room left .*exceeded quota: tenant\. Choose a smaller size/,
    deployment: deployment({ ...coming, refused: { kind: 'quota', message: 'exceeded quota: tenant' } }),
  },
  {
    name: 'has room for some of its pods',
    status: 'ERROR',
    reason: 'QuotaExceeded',
    message: /What answered before goes on answering\.$/,
    deployment: deployment({
      replicas: 3,
      rolledOut: false,
      refused: { kind: 'quota', message: 'exceeded quota: tenant' },
    }),
    pods: [app()],
  },
  {
    name: 'is let in by nobody for another reason, for now',
    status: 'STARTING',
    deployment: deployment({ ...coming, refused: { kind: 'other', message: 'webhook denied' } }),
  },
  {
    name: 'is let in by nobody for another reason, for too long',
    status: 'ERROR',
    reason: 'TimedOut',
    message: /webhook denied/,
    deployment: deployment({
      ...coming,
      stuck: 'no progress',
      refused: { kind: 'other', message: 'webhook denied' },
    }),
  },
  {
    name: 'does not get on',
    status: 'ERROR',
    reason: 'TimedOut',
    message: /has timed out progressing/,
    deployment: deployment({ ...coming, stuck: 'it has timed out progressing' }),
  },
  {
    name: 'has secrets that cannot be opened',
    status: 'ERROR',
    reason: 'SecretCannotBeUnsealed',
    deployment: deployment(coming),
    changes: {
      observed: objects({
        deployment: deployment(coming),
        sealedSecrets: [{ name: 'blog--release-env-1', synced: false }],
      }),
    },
  },
  {
    name: 'ends',
    status: 'STOPPING',
    state: 'Stopped',
    deployment: deployment({ replicas: 0 }),
    pods: [app()],
  },
  { name: 'has ended', status: 'STOPPED', state: 'Stopped', deployment: deployment({ replicas: 0 }) },
  { name: 'goes', status: 'TERMINATING', state: 'Deleted', deployment: deployment() },
  { name: 'is gone', status: 'TERMINATED', state: 'Deleted' },
];

describe('a release that', () => {
  it.each(rows)('$name is $status', ({ status, reason, message, state = 'Running', changes, ...seen }) => {
    const observed = objects({
      ...(seen.deployment === undefined ? {} : { deployment: seen.deployment }),
      ...(seen.pods === undefined ? {} : { releasePods: seen.pods }),
    });
    const known = facts({ desired: desired({ state, hasRelease: true }), observed, ...changes });
    const found = projectStatus(known, T0).resources.find(({ kind }) => kind === 'release');
    expect(found).toMatchObject({ status, ...(reason === undefined ? {} : { reason }) });
    if (message !== undefined) expect(found?.message).toMatch(message);
  });
});

describe('a project', () => {
  it('without a release says nothing of one', () => {
    expect(projectStatus(facts(), T0).resources.map(({ kind }) => kind)).toEqual(['sandbox']);
  });

  it('does not count a broken secret of the release against the sandbox', () => {
    const observed = objects({ sealedSecrets: [{ name: 'blog--release-env-1', synced: false }] });
    const { resources } = projectStatus(facts({ desired: desired({ hasRelease: true }), observed }), T0);
    expect(resources[0]).toMatchObject({ kind: 'sandbox', status: 'RUNNING' });
  });
});
