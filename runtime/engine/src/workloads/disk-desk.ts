import { join } from 'node:path';
import { notFound } from '../api/status.js';
import { DiskUsage, type Usage } from '../files/disk-usage.js';
import { isErrno } from '../files/durable.js';
import type { PostgresService } from '../postgres/types.js';
import type { KubeObject } from '../store/object.js';
import { instanceId } from './database-backups.js';
import { volumeFolder } from './volumes.js';

/** What the volumes and databases of this machine take on its disk. */
export class DiskDesk {
  readonly #usage = new DiskUsage();

  constructor(
    private readonly options: {
      /** Folder with `volumes/`. */
      readonly home: string;
      readonly postgres: Pick<PostgresService, 'dataFolder'>;
    },
  ) {}

  /** Throws ApiError (404) for what has no files, or none yet. */
  async of(object: KubeObject): Promise<Usage> {
    try {
      return await this.#usage.of(await this.#folderOf(object));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) throw notFound(`${object.metadata.name} has no files yet.`);
      throw error;
    }
  }

  async #folderOf(object: KubeObject): Promise<string> {
    const { namespace = '', name } = object.metadata;
    if (object.kind === 'PersistentVolumeClaim')
      return volumeFolder(join(this.options.home, 'volumes'), namespace, name);
    if (object.kind === 'Cluster') return this.options.postgres.dataFolder(instanceId(object));
    throw notFound(`A ${object.kind} has no "usage" here.`);
  }
}
