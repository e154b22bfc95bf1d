import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { RenderError } from '../errors.js';
import { ANNOTATIONS } from '../names.js';
import { customObject, KEEP, projectMeta, type ProjectContext } from './common.js';
import { presetOf } from './resources.js';

/**
 * A KubeBlocks PostgreSQL, in the long form: every field that KubeBlocks would write back is there, so that it and the
 * applier never fight, and an add-on upgrade never upgrades a database (reference, 1.2 and 1.3).
 */
export class DatabaseChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { database, restartedAt, state } = context.spec;
    if (database === undefined) return;
    const { database: offer } = context.platform;
    const size = presetOf(offer.presets, database.preset, 'database');
    const resources = { cpu: size.cpu, memory: size.memory };
    customObject(this, 'cluster', {
      apiVersion: 'apps.kubeblocks.io/v1',
      kind: 'Cluster',
      metadata: projectMeta(context, {
        name: context.names.database,
        component: 'database',
        annotations: KEEP,
      }),
      spec: {
        clusterDef: 'postgresql',
        topology: 'replication',
        terminationPolicy: 'Delete',
        componentSpecs: [
          {
            name: 'postgresql',
            componentDef: offered(offer.componentDefs, database.version),
            serviceVersion: offered(offer.serviceVersions, database.version),
            disableExporter: false,
            replicas: 1,
            podUpdatePolicy: 'PreferInPlace',
            stop: state !== 'Running',
            ...(restartedAt === undefined
              ? {}
              : { annotations: { [ANNOTATIONS.databaseRestart]: restartedAt } }),
            persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
            resources: { limits: resources, requests: resources },
            volumeClaimTemplates: [
              {
                name: 'data',
                spec: {
                  accessModes: ['ReadWriteOnce'],
                  ...(offer.storageClass === undefined ? {} : { storageClassName: offer.storageClass }),
                  resources: { requests: { storage: database.storage } },
                },
              },
            ],
          },
        ],
      },
    });
  }
}

function offered(versions: Readonly<Record<string, string>>, version: string): string {
  const found = Object.hasOwn(versions, version) ? versions[version] : undefined;
  if (found === undefined)
    throw new RenderError(
      `The platform has no PostgreSQL ${version}; it has ${Object.keys(versions).sort().join(', ')}.`,
    );
  return found;
}
