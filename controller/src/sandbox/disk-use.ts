import { objectNames } from '@fullstackagent/charts';
import type { DiskDto, DiskUsedDto } from '../contract/disk.js';
import type { ProjectKey } from '../model/intent.js';
import { at, list, text } from '../shared/json.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';

export interface DiskUseDeps {
  readonly api: Pick<KubeApi, 'get'>;
  /** The local engine measures; Kubernetes' API has no such figure. */
  readonly offered: boolean;
}

/** What the engine says that the volume and the database of a project take, and of the disk that all of them are on. */
export class DiskUse {
  constructor(private readonly deps: DiskUseDeps) {}

  async of({ namespace, name }: ProjectKey): Promise<DiskDto> {
    if (!this.deps.offered) return { known: false };
    const { workspace, database } = objectNames(name);
    const [volume, cluster, nodes] = await Promise.all([
      this.#read(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${workspace}/usage`),
      this.#read(`/apis/apps.kubeblocks.io/v1/namespaces/${namespace}/clusters/${database}/usage`),
      this.#read('/api/v1/nodes'),
    ]);
    const free = at(volume ?? cluster, 'freeBytes');
    return {
      known: true,
      ...(volume === undefined ? {} : { workspace: used(volume) }),
      ...(cluster === undefined ? {} : { database: used(cluster) }),
      ...(typeof free === 'number' ? { freeBytes: free } : {}),
      ...(list(nodes, 'items').some(isUnderPressure) ? { nearlyFull: true } : {}),
    };
  }

  /** Undefined where there is no such object, or nothing of it on the disk yet. */
  async #read(path: string): Promise<unknown> {
    try {
      return await this.deps.api.get(path);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404) return undefined;
      throw error.toAppError();
    }
  }
}

const isUnderPressure = (node: unknown): boolean =>
  list(node, 'status', 'conditions').some(
    (condition) => text(condition, 'type') === 'DiskPressure' && text(condition, 'status') === 'True',
  );

function used(usage: unknown): DiskUsedDto {
  const bytes = at(usage, 'usedBytes');
  const measuredAt = text(usage, 'measuredAt');
  return {
    ...(typeof bytes === 'number' ? { bytes } : {}),
    ...(measuredAt === undefined ? {} : { measuredAt }),
  };
}
