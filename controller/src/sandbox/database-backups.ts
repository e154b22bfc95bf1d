import { objectNames } from '@fullstackagent/charts';
import type { BackupDto } from '../contract/backups.js';
import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import { list, text } from '../shared/json.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';

export interface DatabaseBackupsDeps {
  readonly api: Pick<KubeApi, 'get'>;
  /** The local engine makes backups on request and brings them back; KubeBlocks restores into a new Cluster only. */
  readonly offered: boolean;
}

const KINDS = new Set<string>(['scheduled', 'requested', 'before-restore'] satisfies BackupDto['kind'][]);
const STATES: Readonly<Record<string, BackupDto['state']>> = { Completed: 'completed', Failed: 'failed' };

/** The backups of a project's database, as the engine or KubeBlocks lists them. */
export class DatabaseBackups {
  constructor(private readonly deps: DatabaseBackupsDeps) {}

  get offered(): boolean {
    return this.deps.offered;
  }

  /** The newest first. Nothing where there is no such kind, or where this installation may not read it. */
  async list({ namespace, name }: ProjectKey): Promise<readonly BackupDto[]> {
    const path = `/apis/dataprotection.kubeblocks.io/v1alpha1/namespaces/${namespace}/backups`;
    const labelSelector = `app.kubernetes.io/instance=${objectNames(name).database}`;
    try {
      const found = list(await this.deps.api.get(path, { labelSelector }), 'items').map(backupDto);
      return found.sort((a, b) => ((a.startedAt ?? '~') < (b.startedAt ?? '~') ? 1 : -1));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404 || error.status === 403) return [];
      throw error.toAppError();
    }
  }

  /** Throws ACTION_NOT_ALLOWED, NOT_FOUND: nothing is recorded that could not be done. */
  async requireRestorable(key: ProjectKey, backup: string): Promise<void> {
    this.requireOffered();
    const found = (await this.list(key)).find(({ name }) => name === backup);
    if (found === undefined) throw new AppError('NOT_FOUND', 'There is no such backup any more.');
    if (found.state !== 'completed')
      throw new AppError('ACTION_NOT_ALLOWED', 'This backup is not complete. Choose another.');
  }

  requireOffered(): void {
    if (this.deps.offered) return;
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      'On this cluster backups are made by their schedule, and an operator brings one back with KubeBlocks.',
    );
  }
}

function backupDto(object: unknown): BackupDto {
  const kind = text(object, 'metadata', 'labels', 'fullstackagent.dev/backup-kind') ?? '';
  const automatic = text(object, 'metadata', 'labels', 'dataprotection.kubeblocks.io/autobackup');
  const startedAt = text(object, 'status', 'startTimestamp');
  const bytes = Number(text(object, 'status', 'totalSize') ?? Number.NaN);
  const message = text(object, 'status', 'failureReason');
  return {
    name: text(object, 'metadata', 'name') ?? '',
    kind: kindOf(kind, automatic),
    state: STATES[text(object, 'status', 'phase') ?? ''] ?? 'running',
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(Number.isNaN(bytes) ? {} : { bytes }),
    ...(message === undefined ? {} : { message }),
  };
}

const isKind = (kind: string): kind is BackupDto['kind'] => KINDS.has(kind);

function kindOf(kind: string, automatic: string | undefined): BackupDto['kind'] {
  if (isKind(kind)) return kind;
  return automatic === 'true' ? 'scheduled' : 'other';
}
