import { fromYaml } from '@fullstackagent/charts';
import type { DriftedObjectDto } from '../contract/drift.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';
import { record, text, type Json } from '../shared/json.js';
import { driftOf } from './drift.js';

/** Every kind that a project renders to; what the controller may `get` in a tenant's namespace. */
export const COMPARED: Readonly<Record<string, string>> = {
  Cluster: 'clusters',
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  HTTPRoute: 'httproutes',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers',
  Ingress: 'ingresses',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PodDisruptionBudget: 'poddisruptionbudgets',
  SealedSecret: 'sealedsecrets',
  Service: 'services',
  StatefulSet: 'statefulsets',
};

/** At a time: a project has about fifteen objects, and somebody waits for the answer. */
const TOGETHER = 4;

/**
 * Compares rendered manifests with what is on the cluster now, object by object. Read on request: nothing is watched or
 * kept for it. Throws an AppError where the cluster cannot be reached.
 */
export async function readDrift(
  api: Pick<KubeApi, 'get'>,
  manifests: readonly string[],
): Promise<readonly DriftedObjectDto[]> {
  const waiting = manifests.map((manifest) => record(fromYaml(manifest)));
  const found: DriftedObjectDto[] = [];
  while (waiting.length > 0) {
    const compared = await Promise.all(waiting.splice(0, TOGETHER).map((rendered) => compare(api, rendered)));
    found.push(...compared.filter((drifted) => drifted !== undefined));
  }
  return found;
}

async function compare(api: Pick<KubeApi, 'get'>, rendered: Json): Promise<DriftedObjectDto | undefined> {
  try {
    return driftOf(rendered, record(await api.get(pathOf(rendered))));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return driftOf(rendered, undefined);
    if (error.status !== 403) throw error.toAppError();
    const { kind, name } = { kind: text(rendered, 'kind'), name: text(rendered, 'metadata', 'name') };
    return { kind: kind ?? '', name: name ?? '', state: 'unreadable', differences: [] };
  }
}

function pathOf(object: Json): string {
  const version = text(object, 'apiVersion') ?? '';
  const [namespace, name] = [text(object, 'metadata', 'namespace'), text(object, 'metadata', 'name')];
  const resource = COMPARED[text(object, 'kind') ?? ''];
  if (namespace === undefined || name === undefined || resource === undefined)
    throw new Error(`There is no way to read a rendered ${text(object, 'kind') ?? 'object'}.`);
  const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;
}
