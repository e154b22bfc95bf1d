import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import type { ProjectDocument } from '../documents/index.js';
import { RenderError } from '../errors.js';
import { ANNOTATIONS } from '../names.js';
import { customObject, keep, projectMeta, type ProjectContext } from './common.js';
import { canonicalPreset, canonicalSize, offered } from './resources.js';

type Database = NonNullable<ProjectDocument['spec']['database']>;

/**
 * A KubeBlocks PostgreSQL, in the long form: every field that KubeBlocks would write back is there, so that it and the
 * applier never fight, and an add-on upgrade never upgrades a database (reference, 1.2 and 1.3).
 */
export class DatabaseChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { database } = context.spec;
    if (database === undefined) return;
    if (context.platform.tenant.podSecurity === 'restricted')
      throw new RenderError('The platform has no databases: its namespaces let no pod run as root.');
    const api = context.platform.database.api ?? 'v1';
    const form = api === 'v1' ? v1 : v1alpha1;
    customObject(this, 'cluster', {
      apiVersion: `apps.kubeblocks.io/${api}`,
      kind: 'Cluster',
      metadata: projectMeta(context, {
        name: context.names.database,
        component: 'database',
        annotations: { ...keep(context), ...requests(database) },
      }),
      spec: { ...form(context, database), ...backup(context, database) },
    });
  }
}

/** A time each, so that asking again is another value. */
const requests = ({ backupRequestedAt, restore }: Database): Readonly<Record<string, string>> => ({
  ...(backupRequestedAt === undefined ? {} : { [ANNOTATIONS.backupRequested]: backupRequestedAt }),
  ...(restore === undefined ? {} : { [ANNOTATIONS.restore]: `${restore.backup}/${restore.requestedAt}` }),
});

/** KubeBlocks 1.0 and later. */
function v1(context: ProjectContext, database: Database): object {
  const { purge } = context.spec;
  return {
    clusterDef: 'postgresql',
    topology: 'replication',
    // With a purge backups go too.
    terminationPolicy: purge === undefined ? 'Delete' : 'WipeOut',
    componentSpecs: [
      {
        ...component(context, database),
        podUpdatePolicy: 'PreferInPlace',
        // KubeBlocks' own default is Delete: a Cluster deleted by mistake would take the data with it (trap 6).
        persistentVolumeClaimRetentionPolicy: {
          whenDeleted: purge === undefined ? 'Retain' : 'Delete',
          whenScaled: 'Retain',
        },
      },
    ],
  };
}

/**
 * KubeBlocks 0.9. A `clusterDefinitionRef` would be the old way of writing, with other Secrets and Services; by
 * `componentDef` they are called as in 1.0 (reference, 1.5 and 1.10). It has no retention of volumes: `Halt` is what
 * leaves them when a Cluster is deleted.
 */
const v1alpha1 = (context: ProjectContext, database: Database): object => ({
  terminationPolicy: context.spec.purge === undefined ? 'Halt' : 'WipeOut',
  componentSpecs: [component(context, database)],
});

/** What both APIs say alike. */
function component(context: ProjectContext, { version, preset, storage, storageClass }: Database): object {
  const { restartedAt, state } = context.spec;
  const { database: offer } = context.platform;
  const resources = canonicalPreset(offered(offer.presets, preset, 'database size'));
  return {
    name: 'postgresql',
    componentDef: offered(offer.componentDefs, version, 'PostgreSQL version'),
    serviceVersion: offered(offer.serviceVersions, version, 'PostgreSQL version'),
    disableExporter: false,
    replicas: 1,
    stop: state !== 'Running',
    ...(restartedAt === undefined ? {} : { annotations: { [ANNOTATIONS.databaseRestart]: restartedAt } }),
    resources: { limits: resources, requests: resources },
    volumeClaimTemplates: [
      {
        name: 'data',
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
          resources: { requests: { storage: canonicalSize(storage) } },
        },
      },
    ],
  };
}

/**
 * KubeBlocks makes its policy and its schedule from this; it is the only one who may. A stopped database has nothing
 * that could be read, so its schedule pauses; what is kept stays.
 */
function backup({ platform, spec }: ProjectContext, database: Database): object {
  if (database.backup === undefined) return {};
  if (platform.database.backup === undefined)
    throw new RenderError('The platform offers no scheduled backups of databases.');
  const { repo } = platform.database.backup;
  return {
    backup: {
      enabled: spec.state === 'Running',
      method: 'pg-basebackup',
      cronExpression: database.backup.schedule,
      retentionPeriod: `${database.backup.keep.days}d`,
      ...(repo === undefined ? {} : { repoName: repo }),
      pitrEnabled: false,
      incrementalBackupEnabled: false,
    },
  };
}
