import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ANNOTATIONS } from '../names.js';
import { customObject, keep, projectMeta, type ProjectContext } from './common.js';
import { canonicalPreset, canonicalSize, offered } from './resources.js';

/**
 * A KubeBlocks PostgreSQL, in the long form: every field that KubeBlocks would write back is there, so that it and the
 * applier never fight, and an add-on upgrade never upgrades a database (reference, 1.2 and 1.3).
 */
export class DatabaseChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { database, purge, restartedAt, state } = context.spec;
    if (database === undefined) return;
    const { database: offer } = context.platform;
    const resources = canonicalPreset(offered(offer.presets, database.preset, 'database size'));
    customObject(this, 'cluster', {
      apiVersion: 'apps.kubeblocks.io/v1',
      kind: 'Cluster',
      metadata: projectMeta(context, {
        name: context.names.database,
        component: 'database',
        annotations: keep(context),
      }),
      spec: {
        clusterDef: 'postgresql',
        topology: 'replication',
        // With a purge backups go too.
        terminationPolicy: purge === undefined ? 'Delete' : 'WipeOut',
        componentSpecs: [
          {
            name: 'postgresql',
            componentDef: offered(offer.componentDefs, database.version, 'PostgreSQL version'),
            serviceVersion: offered(offer.serviceVersions, database.version, 'PostgreSQL version'),
            disableExporter: false,
            replicas: 1,
            podUpdatePolicy: 'PreferInPlace',
            stop: state !== 'Running',
            ...(restartedAt === undefined
              ? {}
              : { annotations: { [ANNOTATIONS.databaseRestart]: restartedAt } }),
            // KubeBlocks' own default is Delete: a Cluster deleted by mistake would take the data with it (trap 6).
            persistentVolumeClaimRetentionPolicy: {
              whenDeleted: purge === undefined ? 'Retain' : 'Delete',
              whenScaled: 'Retain',
            },
            resources: { limits: resources, requests: resources },
            volumeClaimTemplates: [
              {
                name: 'data',
                spec: {
                  accessModes: ['ReadWriteOnce'],
                  ...(database.storageClass === undefined ? {} : { storageClassName: database.storageClass }),
                  resources: { requests: { storage: canonicalSize(database.storage) } },
                },
              },
            ],
          },
        ],
      },
    });
  }
}
