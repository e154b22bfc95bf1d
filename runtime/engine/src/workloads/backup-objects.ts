import type { BackupKind } from '../postgres/backup-store.js';
import type { Json, KubeObject, Manifest } from '../store/object.js';

const seconds = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');

/** A name that says of which database, from when and what for. Two of one kind are never made in one second. */
export const nameAt = (cluster: string, at: Date, kind: BackupKind): string =>
  `${cluster}-${kind}-${seconds(at).replace(/[-:TZ]/g, '')}`;

/** What KubeBlocks' data protection would have: enough for whoever lists backups. */
export function backupObject(
  cluster: KubeObject,
  { name, kind }: { readonly name: string; readonly kind: BackupKind },
): Manifest {
  const { namespace = '', name: instance, uid } = cluster.metadata;
  return {
    apiVersion: 'dataprotection.kubeblocks.io/v1alpha1',
    kind: 'Backup',
    metadata: {
      name,
      namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'kubeblocks-dataprotection',
        'app.kubernetes.io/instance': instance,
        'apps.kubeblocks.io/component-name': 'postgresql',
        'fullstackagent.dev/backup-kind': kind,
        ...(kind === 'scheduled' ? { 'dataprotection.kubeblocks.io/autobackup': 'true' } : {}),
      },
      ownerReferences: [{ apiVersion: cluster.apiVersion, kind: 'Cluster', name: instance, uid }],
    },
    spec: {
      backupMethod: 'pg-basebackup',
      backupPolicyName: `${instance}-postgresql-backup-policy`,
      deletionPolicy: 'Delete',
    },
  };
}

export interface BackupState {
  readonly phase: 'Running' | 'Completed' | 'Failed';
  readonly startedAt: Date;
  readonly completedAt?: Date;
  readonly bytes?: number;
  readonly message?: string;
}

export const backupStatus = ({ phase, startedAt, completedAt, bytes, message }: BackupState): Json => ({
  phase,
  startTimestamp: seconds(startedAt),
  ...(completedAt === undefined ? {} : { completionTimestamp: seconds(completedAt) }),
  ...(bytes === undefined ? {} : { totalSize: String(bytes) }),
  ...(message === undefined ? {} : { failureReason: message }),
});
