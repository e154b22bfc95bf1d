import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { projectSchema, type PlatformDocument, type ProjectDocument } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { renderProject } from '../render.js';
import { examplePlatform, exampleProject } from '../testing/arbitrary-documents.js';

const database = { engine: 'postgresql', version: '16', storage: '10Gi', preset: 'small' } as const;
const backup = { schedule: '30 3 * * 1-5', keep: { days: 14 } };

interface Cluster {
  readonly apiVersion: string;
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly terminationPolicy: string;
    readonly componentSpecs: readonly [Readonly<Record<string, unknown>>];
    readonly backup?: object;
  };
}

const platformWith = (change: (spec: PlatformDocument['spec']) => void): PlatformDocument => {
  const copy = structuredClone(examplePlatform);
  change(copy.spec);
  return copy;
};
const BACKUPS = platformWith((spec) => (spec.database.backup = { repo: 'nightly' }));
const OLD = platformWith((spec) => (spec.database.api = 'v1alpha1'));

const cluster = (spec: Partial<ProjectDocument['spec']>, platform = examplePlatform): Cluster =>
  load(
    renderProject({ platform, project: exampleProject(spec), intent: 'x' }).get('cluster-my-blog--db.yaml') ??
      '',
  ) as Cluster;

describe('scheduled backups', () => {
  it('are a field of the Cluster, with what the CRD would fill in', () => {
    expect(cluster({ database: { ...database, backup } }, BACKUPS).spec.backup).toEqual({
      enabled: true,
      method: 'pg-basebackup',
      cronExpression: '30 3 * * 1-5',
      retentionPeriod: '14d',
      repoName: 'nightly',
      pitrEnabled: false,
      incrementalBackupEnabled: false,
    });
    expect(cluster({ database }, BACKUPS).spec).not.toHaveProperty('backup');
  });

  it.each<[string, Partial<ProjectDocument['spec']>]>([
    ['stopped', { state: 'Stopped' }],
    ['deleted', { state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z' }],
  ])('pause while a project is %s', (_state, spec) => {
    const { backup: paused } = cluster({ ...spec, database: { ...database, backup } }, BACKUPS).spec;
    expect(paused).toMatchObject({ enabled: false, retentionPeriod: '14d' });
  });

  it('are refused where the platform has none', () => {
    expect(() => cluster({ database: { ...database, backup } })).toThrow(RenderError);
  });

  it('on request, and what is brought back, are annotations of the Cluster', () => {
    const restore = { backup: 'my-blog--db-requested-20261124', requestedAt: '2026-11-24T09:00:00Z' };
    const requested = { ...database, backupRequestedAt: '2026-11-24T08:00:00Z', restore };
    expect(cluster({ database: requested }).metadata.annotations).toMatchObject({
      'fullstackagent.dev/backup-requested': '2026-11-24T08:00:00Z',
      'fullstackagent.dev/restore': 'my-blog--db-requested-20261124/2026-11-24T09:00:00Z',
    });
    const odd = { ...restore, backup: 'x/y' };
    expect(
      projectSchema.safeParse(exampleProject({ database: { ...requested, restore: odd } })).success,
    ).toBe(false);
    const { annotations } = cluster({ database }).metadata;
    expect(Object.keys(annotations).filter((name) => /backup|restore/.test(name))).toEqual([]);
  });

  const check = (schedule: string) =>
    projectSchema.safeParse(exampleProject({ database: { ...database, backup: { ...backup, schedule } } }));

  it.each(['0 3 * * *', '*/15 * * * *', '0 0,12 1-15/2 1,6 0-6', '59 23 31 12 6'])('at "%s"', (schedule) => {
    expect(check(schedule).success).toBe(true);
  });

  it.each([
    ['60 * * * *', 'minute'],
    ['0 24 * * *', 'hour'],
    ['0 0 0 * *', 'day of the month'],
    ['0 0 * 13 *', 'month'],
    ['0 0 * * 7', 'day of the week'],
    ['5-1 * * * *', 'minute'],
    ['*/0 * * * *', 'minute'],
    ['0 3 * *', 'number of fields'],
    ['@daily', 'number of fields'],
    ['0 3 * * MON', 'day of the week'],
    ['0 3 * * *\n', 'day of the week'],
    ['0 3 * * *;x', 'day of the week'],
    ['', 'number of fields'],
  ])('never at "%s"', (schedule, field) => {
    const result = check(schedule);
    expect(result.error?.issues.map(({ message }) => message)).toEqual([
      expect.stringContaining(`the ${field} is wrong`),
    ]);
  });
});

describe('KubeBlocks 0.9', () => {
  it('gets its own API, and no field that came later', () => {
    const { apiVersion, spec } = cluster({ database }, OLD);
    expect(apiVersion).toBe('apps.kubeblocks.io/v1alpha1');
    expect(Object.keys(spec)).toEqual(['componentSpecs', 'terminationPolicy']);
    expect(spec.componentSpecs[0]).not.toHaveProperty('persistentVolumeClaimRetentionPolicy');
    expect(spec.componentSpecs[0]).not.toHaveProperty('podUpdatePolicy');
  });

  it('is told the same of everything that both know', () => {
    const of = (platform: PlatformDocument) => cluster({ database }, platform).spec.componentSpecs[0];
    expect(of(examplePlatform)).toMatchObject(of(OLD));
  });

  it('keeps the volumes of a Cluster that is deleted, unless it is purged', () => {
    const deleted = { state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z', database } as const;
    expect(cluster(deleted, OLD).spec.terminationPolicy).toBe('Halt');
    expect(cluster({ ...deleted, purge: 'Unprotect' }, OLD).spec.terminationPolicy).toBe('WipeOut');
  });
});

it('there is none where no pod may run as root', () => {
  const restricted = platformWith((spec) => (spec.tenant.podSecurity = 'restricted'));
  expect(() => cluster({ database }, restricted)).toThrow(/no databases/);
});
