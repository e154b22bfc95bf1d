import type { PlatformDto } from '../contract/projects.js';
import { list, text } from '../shared/json.js';
import type { KubeApi } from '../shared/kube-api.js';

export type Machine = Pick<
  PlatformDto,
  'isolation' | 'runsAsRoot' | 'isolationReason' | 'network' | 'databasesRun'
>;

export interface MachineOptions {
  readonly api: KubeApi;
  readonly cluster: 'engine' | 'kubernetes';
  /** What to say before the engine was heard: it runs as the same user as this process. */
  readonly runsAsRoot: boolean;
}

/**
 * What is so because of the machine that everything runs on: how sandboxes are kept apart, and which PostgreSQL every
 * database is. The engine says so on its Node; while it cannot be asked, the weakest answer stands:
 * a warning too many is better than one too few.
 */
export function machineReader({ api, cluster, runsAsRoot }: MachineOptions): () => Promise<Machine> {
  if (cluster === 'kubernetes') return () => Promise.resolve({ isolation: 'cluster', runsAsRoot: false });
  let known: Machine | undefined;
  return async () => {
    try {
      known ??= read(await api.get('/api/v1/nodes'));
    } catch {
      // Not there yet; asked again next time.
    }
    return known ?? { isolation: 'none', runsAsRoot };
  };
}

function read(nodes: unknown): Machine | undefined {
  const [node] = list(nodes, 'items');
  if (node === undefined) return undefined;
  const said = (name: string): string | undefined =>
    text(node, 'metadata', 'annotations', `fullstackagent.dev/${name}`);
  const confined = said('isolation') === 'bubblewrap';
  const reason = said(confined ? 'network-reason' : 'isolation-reason');
  const postgresql = said('postgresql');
  const databases = postgresql === undefined ? {} : { databasesRun: postgresql };
  if (confined)
    return {
      isolation: 'bubblewrap',
      runsAsRoot: false,
      network: said('network') === 'own' ? 'own' : 'shared',
      ...databases,
      ...(reason === undefined ? {} : { isolationReason: reason }),
    };
  return {
    isolation: 'none',
    runsAsRoot: said('runs-as-root') === 'true',
    ...(reason === undefined ? {} : { isolationReason: reason }),
    ...databases,
  };
}
